import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { printable, reasonOf } from '../../domain/log.ts';
import { CONTRADICTIONS, type Verdict } from '../../domain/seal.ts';
import { parseSeal } from '../../recorder/seal.ts';
import { SealingKeys } from '../../recorder/signer.ts';
import { verifyRecording } from '../../recorder/verify.ts';
import { sealingKeyFile } from '../../sealing.ts';
import { ApiClient } from '../api-client.ts';
import { dataDirectory } from '../endpoint.ts';
import { idOf } from '../lookup.ts';
import { identityOfFile, notedSeals } from '../noted-seals.ts';
import { showJson } from '../output.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { at, rowsAt, textAt } from '../wire.ts';

export interface VerifyOptions {
  readonly key?: string;
  readonly seals?: string;
  readonly channel?: number;
  readonly json: boolean;
}

/**
 * Checks a recording. A file: here, without a server, with the public keys of `--key` (or of this
 * machine's data directory), and with the noted seals of `--seals` where they are given. A session: its
 * file, keys and noted seals come from the server, and are checked here. Fails with status 1 for one
 * that is not sealed to its end, or not what was sealed.
 */
export async function verifyFileOrSession(
  shell: Shell,
  text: string,
  options: VerifyOptions,
): Promise<void> {
  const verdict = existsSync(text)
    ? await verifyFile(shell, text, options)
    : await verifySession(shell, text, options);
  if (options.json) showJson(shell, verdict);
  const words = wordsOf(verdict);
  if (verdict.state === 'tampered' || verdict.state === 'open') {
    throw new CommandFailure(1, `${printable(text, 200)}: ${words}`);
  }
  if (!options.json) shell.stdout.write(`${words}\n`);
}

function wordsOf(verdict: Verdict): string {
  if (verdict.state === 'tampered') {
    const { part, from, to, problem } = verdict;
    return `part ${part} (bytes ${from} to ${to}) is not as it was: ${CONTRADICTIONS[problem]}`;
  }
  const parts = `${verdict.parts} ${verdict.parts === 1 ? 'part' : 'parts'}`;
  if (verdict.state === 'open') {
    return `not sealed to its end: ${parts} as sealed, then ${verdict.unsealed} bytes that nothing vouches for`;
  }
  const { state, size, recordedBytes } = verdict;
  const bytes = recordedBytes === null ? '' : `, ${recordedBytes} bytes recorded`;
  return `${state}: ${parts} as sealed, ${size} bytes${bytes}`;
}

async function verifyFile(shell: Shell, path: string, options: VerifyOptions): Promise<Verdict> {
  const own = sealingKeyFile(dataDirectory(shell.env));
  if (options.key === undefined && !existsSync(own)) {
    throw new CommandFailure(
      2,
      'which key? Give the public one with --key FILE ("postern recording keys" prints it)',
    );
  }
  const keys = keysOf(options.key ?? own);
  try {
    const noted = options.seals;
    const seals = noted === undefined ? [] : notedSeals(noted, await identityOfFile(path));
    return await verifyRecording(createReadStream(path), { keys, seals });
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(1, `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function keysOf(path: string): SealingKeys {
  try {
    const keys = new SealingKeys(readFileSync(path, 'utf8'));
    if (keys.size > 0) return keys;
  } catch (error) {
    throw new CommandFailure(2, `${path}: ${reasonOf(error)}`, { cause: error });
  }
  throw new CommandFailure(2, `${path} holds no public key (PEM)`);
}

async function verifySession(
  shell: Shell,
  text: string,
  { channel, key }: VerifyOptions,
): Promise<Verdict> {
  const api = ApiClient.of(shell);
  const id = idOf('sess', text);
  const path = `/v1/sessions/${id}/recording`;
  const noted = await api.get(`${path}/seals`, { channel });
  const rows = rowsAt(await api.get('/v1/sealing-keys'), 'sealing_keys');
  const keys =
    key === undefined
      ? new SealingKeys(...rows.map((row) => textAt(row, 'public_key') ?? ''))
      : keysOf(key);
  const seals = rowsAt(noted, 'seals').flatMap((row) => parseSeal(textAt(row, 'line') ?? '') ?? []);
  const number = Number(at(noted, 'channel'));
  const identity = { session: Number(id.slice('sess_'.length)), channel: number };
  // As it was sealed: of a copy nothing can be proven.
  const file = Readable.fromWeb(await api.stream(path, { channel: number, redact: '0' }));
  return verifyRecording(file, { keys, seals, identity });
}
