import { createHash } from 'node:crypto';
import { constants, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reasonOf } from '../domain/log.ts';
import type { RecordingReceipt, RepairedRecording } from '../domain/recording.ts';
import type { Seal } from '../domain/seal.ts';
import { openCast } from './cast-reader.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { HashChain } from './hash-chain.ts';
import { parseHeader } from './header.ts';
import { linesOf } from './lines.ts';
import { parseNote } from './note.ts';
import { parseSeal, type ReadSeal, seal } from './seal.ts';
import { SealScan } from './seal-scan.ts';
import type { Signer } from './signer.ts';

/** The last event of what was repaired: players show it as a mark. */
const MARK = Buffer.from('[0.000,"m","postern: what came after this was lost in a crash"]\n');

const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from('\n');

const BLOCK = 64 * 1024;

/** What became of it, with the reason for the log. */
export interface Repair extends RepairedRecording {
  readonly reason: string | null;
}

/**
 * Repairs a recording that nobody writes any more: cuts it to its last whole event, says so in it, and
 * seals it. One that is sealed to its end already stays as it is, and so does one that is not what was
 * sealed: it is evidence. In bounded memory; never rejects.
 */
export async function repairRecording(root: string, key: string, signer: Signer): Promise<Repair> {
  try {
    const cast = await openCast(resolve(root), key, constants.O_RDWR);
    if (cast === null) return left('failed', 'the file is not there');
    try {
      return await repairFile(key, cast.handle, cast.stats.size, signer);
    } finally {
      await cast.handle.close();
    }
  } catch (thrown) {
    return left('truncated', reasonOf(thrown));
  }
}

function left(state: Repair['state'], reason: string): Repair {
  return { state, receipt: null, reason };
}

async function repairFile(
  key: string,
  handle: FileHandle,
  size: number,
  signer: Signer,
): Promise<Repair> {
  const survey = new Survey();
  for await (const { bytes } of linesOf(handle)) {
    if (!survey.add(bytes)) break;
  }
  if (survey.size === 0) return left('failed', 'the first line is no asciicast header');
  if (survey.contradiction !== null) return left('tampered', survey.contradiction);
  const isWhole = survey.size === size;
  const { final } = survey;
  if (final?.final) {
    if (!isWhole) return left('tampered', 'bytes follow the last seal');
    return { state: final.final.state, receipt: survey.receipt(key, final), reason: null };
  }
  if (!isWhole && (await hasSealAfter(handle, survey.size))) {
    return left('tampered', `the line at byte ${survey.size} is damaged, and seals follow it`);
  }
  return {
    state: 'recovered',
    receipt: await cutAndSeal(key, handle, survey, signer),
    reason: null,
  };
}

async function cutAndSeal(
  key: string,
  handle: FileHandle,
  survey: Survey,
  signer: Signer,
): Promise<RecordingReceipt> {
  const from = survey.size;
  // After the exit status nothing was to come.
  const mark = survey.hasExit ? NOTHING : MARK;
  survey.append(mark);
  const last = survey.seal(signer);
  const tail = Buffer.concat([mark, Buffer.from(`${last.line}\n`)]);
  await handle.truncate(from);
  await handle.write(tail, 0, tail.length, from);
  await handle.datasync();
  return survey.receipt(key, last);
}

/** Whether a seal stands after `from`: then what is damaged there was whole once. */
async function hasSealAfter(handle: FileHandle, from: number): Promise<boolean> {
  let found = false;
  const scan = new SealScan({
    bytes: () => undefined,
    seal: () => {
      found = true;
    },
  });
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = from; !found; ) {
    const { bytesRead } = await handle.read(block, 0, BLOCK, at);
    if (bytesRead === 0) break;
    scan.add(block.subarray(0, bytesRead));
    at += bytesRead;
  }
  return found;
}

/** Reads a file's lines up to the first that is not whole, and adds up what a receipt says. */
class Survey {
  readonly #hash = createHash('sha256');
  readonly #chain = new HashChain();
  #times: EventTimes | null = null;
  #duration = 0;
  #notes: Buffer[] = [];
  /** How many bytes the next output really has, where that is not its text. */
  #exact: number | null = null;
  recordedBytes = 0;
  hasExit = false;
  final: ReadSeal | null = null;
  /** Why the lines are not those that were sealed. */
  contradiction: string | null = null;

  /** Where the last whole line ends. */
  get size(): number {
    return this.#chain.size;
  }

  /** Takes a line without its newline. False: it is no whole one, and no other may follow. */
  add(bytes: Buffer): boolean {
    if (this.final !== null) return false;
    const line = bytes.toString('utf8');
    const note = parseNote(line);
    if (note?.name === 'stderr' || note?.name === 'bytes') {
      // Nothing by itself: it is kept with its event.
      this.#notes.push(bytes, NEWLINE);
      this.#exact = note.name === 'bytes' ? Buffer.from(note.data, 'base64').length : this.#exact;
      return true;
    }
    if (note?.name === 'seal' ? !this.#closePart(parseSeal(line)) : !this.#understand(line)) {
      return false;
    }
    this.append(Buffer.concat([...this.#notes, bytes, NEWLINE]));
    this.#notes = [];
    this.#exact = null;
    return true;
  }

  append(line: Buffer): void {
    this.#hash.update(line);
    this.#chain.add(line);
  }

  /** Seals what there is; answers the line, which is not in the file yet. */
  seal(signer: Signer): Seal {
    const { recordedBytes } = this;
    const micros = this.#duration * 1_000_000;
    const last = seal(this.#chain, signer, micros, { state: 'recovered', recordedBytes });
    this.#hash.update(`${last.line}\n`);
    return last;
  }

  receipt(key: string, last: Seal): RecordingReceipt {
    return {
      key,
      size: this.size,
      recordedBytes: this.recordedBytes,
      duration: this.#duration,
      sha256: this.#hash.digest('hex'),
      seal: last,
    };
  }

  #understand(line: string): boolean {
    if (this.#times === null) {
      const header = parseHeader(line);
      if (header !== null) this.#times = new EventTimes(header.version);
      return header !== null;
    }
    if (isSkipped(line)) return true;
    const event = parseEvent(line);
    if (event === null) return false;
    this.#duration = this.#times.of(event);
    this.hasExit = event.code === 'x';
    if (event.code === 'o') this.recordedBytes += this.#exact ?? Buffer.byteLength(event.data);
    return true;
  }

  #closePart(read: ReadSeal | null): boolean {
    if (read === null) return false;
    const head = this.#chain.close();
    if (read.part !== head.part || read.hash !== head.hash) {
      this.contradiction = `part ${head.part} is not what was sealed`;
      return false;
    }
    if (read.final !== null) this.final = read;
    return true;
  }
}
