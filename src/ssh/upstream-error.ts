import { printable } from './printable.ts';

export type UpstreamErrorKind =
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'host-key'
  | 'auth'
  | 'protocol'
  | 'aborted';

const KIND_OF_CODE: Readonly<Record<string, UpstreamErrorKind>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EAI_FAIL: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EACCES: 'unreachable',
};

/** What users may read of it; the system's own words, with the address, are its cause's. */
const WORDS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refused the connection',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ETIMEDOUT: 'it did not answer in time',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name could not be looked up',
  EAI_FAIL: 'its host name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  EHOSTDOWN: 'there is no way to it',
};

const KIND_OF_LEVEL: Readonly<Record<string, UpstreamErrorKind>> = {
  'client-authentication': 'auth',
  'client-timeout': 'timeout',
};

interface Told {
  readonly code?: unknown;
  readonly level?: unknown;
  readonly errors?: readonly unknown[];
}

/** A name with several addresses fails with one error for each; the first one will do. */
function codeOf(told: Told): string {
  const [first] = (told.errors ?? []) as readonly Told[];
  return String(told.code ?? first?.code);
}

/** The kind of an error of the socket or of ssh2. */
export function kindOf(error: Error & Told): UpstreamErrorKind {
  return KIND_OF_CODE[codeOf(error)] ?? KIND_OF_LEVEL[String(error.level)] ?? 'protocol';
}

/** What an error says, fit for a user and for a log. */
export function textOf(error: Error & Told): string {
  const words = WORDS_OF_CODE[codeOf(error)] ?? error.message;
  return printable(words === '' ? kindOf(error) : words);
}
