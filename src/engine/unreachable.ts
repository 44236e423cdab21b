import { PosternError } from '../domain/errors.ts';
import { reasonOf } from '../domain/log.ts';

/** What users may read of it: neither where the engine is, nor where its certificates are. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'its socket is not there',
  EACCES: 'its socket may not be opened',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name is not known',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it did not answer in time',
  ABORT_ERR: 'it did not answer in time',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
};

/** As Node and OpenSSL call what is wrong with certificates. */
const OF_TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/;

/**
 * `engine.unreachable` for what was thrown. Its sentence is for users, its cause, which says where the engine
 * is and what happened, for the log.
 */
export function unreachable(engine: string, thrown: unknown): PosternError {
  if (thrown instanceof PosternError) return thrown;
  return unreachableFor(engine, reasonFor(codeOf(thrown)), reasonOf(thrown));
}

/** The same, with what users and the log read. */
export function unreachableFor(engine: string, reason: string, detail: string): PosternError {
  const cause = new Error(`${engine}: ${detail}`);
  return new PosternError('engine.unreachable', { reason }, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function reasonFor(code: string): string {
  if (OF_TLS.test(code)) return 'one of the two does not take the certificate of the other';
  return MEANINGS[code] ?? 'the connection to it failed';
}
