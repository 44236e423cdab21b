import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sealingKeyFile } from '../../app/sealing.ts';
import { parseId } from '../../domain/ids.ts';
import { printable, reasonOf } from '../../domain/log.ts';
import { CONTRADICTIONS, type Verdict } from '../../domain/seal.ts';
import { isEncrypted } from '../../envelope/envelope.ts';
import { parseSeal } from '../../recorder/seal.ts';
import { SealingKeys } from '../../recorder/signer.ts';
import { type Known, verifyRecording } from '../../recorder/verify.ts';
import { piecesOf, verifyEncrypted } from '../../recorder/verify-encrypted.ts';
import { ApiClient } from '../api-client.ts';
import { dataDirectory } from '../endpoint.ts';
import { readGiven } from '../given-file.ts';
import { idOf } from '../lookup.ts';
import { identityOfFile, notedSeals } from '../noted-seals.ts';
import { showJson } from '../output.ts';
import { withRecordingFile } from '../recording-file.ts';
import { CommandFailure, type Shell } from '../shell.ts';
import { at, rowsAt, textAt } from '../wire.ts';

export interface VerifyOptions {
  readonly key?: string;
  readonly seals?: string;
  readonly identity?: string;
  readonly channel?: number;
  readonly json: boolean;
}

/**
 * Checks a recording. A file: here, without a server, with the public keys of `--key` (or of this
 * machine's data directory), and with the noted seals of `--seals` where they are given. A session: its
 * file, keys and noted seals come from the server, and are checked here. An encrypted one is opened with the
 * identity of `--identity`. Fails with status 1 for one that is not sealed to its end, or not what was
 * sealed.
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
  if (verdict.state === 'locked') return `encrypted to ${verdict.recipients}`;
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
  return await verifyWith(path, options.identity, async () => ({
    keys,
    seals: options.seals === undefined ? [] : notedSeals(options.seals, await identityOfFile(path)),
  }));
}

/** `known` is asked for once the file can be read. */
function verifyWith(
  path: string,
  identity: string | undefined,
  known: () => Promise<Known>,
): Promise<Verdict> {
  return withRecordingFile(path, identity, async (file) =>
    file.type === 'plain'
      ? verifyRecording(piecesOf(file.bytes), await known())
      : verifyEncrypted(file.bytes, await known()),
  );
}

function keysOf(path: string): SealingKeys {
  const text = readGiven(path).toString('utf8');
  try {
    const keys = new SealingKeys(text);
    if (keys.size > 0) return keys;
  } catch (error) {
    throw new CommandFailure(2, `${path}: ${reasonOf(error)}`, { cause: error });
  }
  throw new CommandFailure(2, `${path} holds no public key (PEM)`);
}

async function verifySession(
  shell: Shell,
  text: string,
  { channel, key, identity }: VerifyOptions,
): Promise<Verdict> {
  if (parseId('sess', text) === null) {
    const named = printable(text, 200);
    throw new CommandFailure(2, `${named} is neither a file nor the id of a session`);
  }
  const api = ApiClient.of(shell);
  const id = idOf('sess', text);
  const path = `/v1/sessions/${id}/recording` as const;
  const noted = await api.get(`${path}/seals`, { channel });
  const rows = rowsAt(await api.get('/v1/sealing-keys'), 'sealing_keys');
  const keys =
    key === undefined
      ? new SealingKeys(...rows.map((row) => textAt(row, 'public_key') ?? ''))
      : keysOf(key);
  const seals = rowsAt(noted, 'seals').flatMap((row) => parseSeal(textAt(row, 'line') ?? '') ?? []);
  const number = Number(at(noted, 'channel'));
  const known = {
    ...{ keys, seals },
    identity: { session: Number(id.slice('sess_'.length)), channel: number },
  };
  // As it was sealed: of a copy nothing can be proven.
  const body = Readable.fromWeb(await api.stream(path, { channel: number, redact: '0' }));
  const pieces: AsyncIterator<Uint8Array, undefined> = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  async function* all(): AsyncGenerator<Uint8Array> {
    for (let one = first; !one.done; one = await pieces.next()) yield one.value;
  }
  return first.done || !isEncrypted(first.value)
    ? await verifyRecording(all(), known)
    : await verifyCopy(all(), `${id}-${number}.cast`, identity, known);
}

/** On disk, since what is encrypted is read by position; it stays encrypted there. */
async function verifyCopy(
  file: AsyncIterable<Uint8Array>,
  name: string,
  identity: string | undefined,
  known: Known,
): Promise<Verdict> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-verify-'));
  try {
    const copy = join(directory, name);
    await pipeline(file, createWriteStream(copy, { flags: 'wx', mode: 0o600 }));
    return await verifyWith(copy, identity, () => Promise.resolve(known));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
