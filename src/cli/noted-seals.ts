import { open } from 'node:fs/promises';
import { formatId, parseId } from '../domain/ids.ts';
import type { Seal } from '../domain/seal.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import { identityOf } from '../recorder/header.ts';
import { parseSeal } from '../recorder/seal.ts';
import { readGiven } from './given-file.ts';
import { CommandFailure } from './shell.ts';
import { at, rowsAt, textAt } from './wire.ts';

/** Bytes of the longest first line that is looked at. */
const LONGEST_HEADER = 256 * 1024;

/** Whose recording a file says that it is. */
export type Identity = NonNullable<ReturnType<typeof identityOf>>;

/** A seal that was noted; `of` null: whoever noted it did not say whose it is. */
interface Noted {
  readonly seal: Seal;
  readonly of: Identity | null;
}

/** Null where the recording in this file does not say. Rejects when it cannot be read. */
export async function identityOfFile(path: string): Promise<Identity | null> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER);
    const text = buffer.toString('utf8', 0, bytesRead);
    return (
      identityOf(text.slice(0, Math.max(text.indexOf('\n'), 0))) ??
      (await readEnvelope(new FileBytes(file)))
    );
  } finally {
    await file.close();
  }
}

/**
 * The seals in a file that belong to this recording: one a line, as `postern recording seals` prints
 * them, or as the places outside are told of them (JSON; there those of all recordings stand together).
 * Throws CommandFailure for a file that has none of it, or that contradicts itself.
 */
export function notedSeals(path: string, identity: Identity | null): readonly Seal[] {
  const noted = linesOf(path).flatMap(({ text, place }) => readLine(text, place));
  const own = noted.filter(({ of }) => of === null || isSame(of, identity));
  if (own.length === 0) throw new CommandFailure(1, `${path} holds no seal${whose(identity)}`);
  const byPart = new Map<number, Seal>();
  for (const { seal } of own) {
    // What is brought outside may be brought twice.
    const before = byPart.get(seal.part);
    if (before !== undefined && before.line !== seal.line) {
      throw new CommandFailure(1, `${path} holds two different seals of part ${seal.part}`);
    }
    byPart.set(seal.part, seal);
  }
  return [...byPart.values()];
}

function whose(identity: Identity | null): string {
  if (identity === null) return '';
  return ` of ${formatId('sess', identity.session)}, channel ${identity.channel}`;
}

function isSame(one: Identity, other: Identity | null): boolean {
  return one.session === other?.session && one.channel === other.channel;
}

function linesOf(path: string): readonly { readonly text: string; readonly place: string }[] {
  const text = readGiven(path).toString('utf8');
  const lines = text.split('\n').map((line, index) => ({
    text: line.trim(),
    place: `${path}:${index + 1}`,
  }));
  return lines.filter((line) => line.text !== '');
}

function readLine(text: string, place: string): readonly Noted[] {
  if (!text.startsWith('{')) return [{ seal: sealOf(text, place), of: null }];
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    // What a loss of power leaves of a line; its seal stands in one behind it.
    return [];
  }
  const several = rowsAt(said, 'seals');
  return (several.length > 0 ? several : [said]).map((row) => {
    const session = parseId('sess', textAt(row, 'session_id') ?? '');
    const channel = at(row, 'channel');
    const seal = sealOf(textAt(row, 'line') ?? '', place);
    if (session === null || typeof channel !== 'number') {
      throw new CommandFailure(2, `${place} does not say whose seal it is`);
    }
    return { seal, of: { session, channel } };
  });
}

function sealOf(line: string, place: string): Seal {
  const seal = parseSeal(line);
  if (seal === null) throw new CommandFailure(2, `${place} is no seal`);
  return seal;
}
