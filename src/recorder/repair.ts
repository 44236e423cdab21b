import { createHash } from 'node:crypto';
import { constants, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reasonOf } from '../domain/log.ts';
import type { LeftOpen, RecordingReceipt, RepairedRecording } from '../domain/recording.ts';
import type { Seal } from '../domain/seal.ts';
import { openCast } from './cast-reader.ts';
import { CAP_MARK } from './encoder.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { HashChain } from './hash-chain.ts';
import { parseHeader } from './header.ts';
import { linesOf } from './lines.ts';
import { parseNote } from './note.ts';
import { parseSeal, type ReadSeal, seal } from './seal.ts';
import type { Signer } from './signer.ts';
import { writeFully } from './write-fully.ts';

/** The last event of what was repaired: players show it as a mark. */
const MARKS: Readonly<Record<LeftOpen, Buffer>> = {
  recovered: mark('what came after this was lost in a crash'),
  truncated: mark('the recording broke here, and its session was ended'),
  gap: mark('the recording broke here, and its session went on without'),
};

function mark(words: string): Buffer {
  return Buffer.from(`[0.000,"m","postern: ${words}"]\n`);
}

const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from('\n');

/** What became of it, with the reason for the log. */
export interface Repair extends RepairedRecording {
  readonly reason: string | null;
}

/** What a recording is repaired with. */
export interface RepairMeans {
  readonly signer: Signer;
  /** The seals that were noted while it was made: their bytes were on disk. By part. */
  readonly noted: readonly Seal[];
  /** What the last seal is to say; left out: `recovered`. */
  readonly left?: LeftOpen;
}

/** What a disk says that cannot be written now. */
const DISK_TROUBLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE'];

/**
 * Repairs a recording that nobody writes any more: cuts it to its last whole event, says so in it, and
 * seals it. One that is sealed to its end already stays as it is. So does one that is not what was
 * sealed, or shorter than what was noted: it is evidence, and to seal it would vouch for it. In bounded
 * memory. Rejects when the disk cannot be written now: then it can be tried again.
 */
export async function repairRecording(
  root: string,
  key: string,
  means: RepairMeans,
): Promise<Repair> {
  try {
    const cast = await openCast(resolve(root), key, constants.O_RDWR);
    if (cast === null) return unsealed('failed', 'the file is not there');
    try {
      const { size } = cast.stats;
      return { size, ...(await repairFile(key, cast.handle, size, means)) };
    } finally {
      await cast.handle.close();
    }
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (DISK_TROUBLE.includes(code)) throw thrown;
    return unsealed(code === 'ELOOP' ? 'tampered' : 'failed', reasonOf(thrown));
  }
}

function unsealed(state: Repair['state'], reason: string): Repair {
  return { state, receipt: null, reason };
}

async function repairFile(
  key: string,
  handle: FileHandle,
  size: number,
  { signer, noted, left = 'recovered' }: RepairMeans,
): Promise<Repair> {
  const survey = new Survey(noted);
  for await (const { bytes } of linesOf(handle)) {
    if (!survey.add(bytes)) break;
  }
  if (survey.size === 0) return unsealed('failed', 'the first line is no asciicast header');
  if (survey.contradiction !== null) return unsealed('tampered', survey.contradiction);
  const last = noted.at(-1);
  if (last !== undefined && survey.parts < last.part) {
    const reason = `part ${survey.parts + 1} is not there as it was noted`;
    return unsealed(size > last.end ? 'tampered' : 'truncated', reason);
  }
  const { final } = survey;
  if (final?.final) {
    if (survey.size < size) return unsealed('tampered', 'bytes follow the last seal');
    return { state: final.final.state, receipt: survey.receipt(key, final), reason: null };
  }
  const receipt = await cutAndSeal(key, handle, survey, { signer, left });
  return { state: left, receipt, reason: null };
}

async function cutAndSeal(
  key: string,
  handle: FileHandle,
  survey: Survey,
  { signer, left }: { readonly signer: Signer; readonly left: LeftOpen },
): Promise<RecordingReceipt> {
  const from = survey.size;
  // After the exit status nothing was to come.
  const said = survey.hasExit ? NOTHING : MARKS[left];
  survey.append(said);
  const last = survey.seal(signer, left);
  const tail = Buffer.concat([said, Buffer.from(`${last.line}\n`)]);
  await handle.truncate(from);
  await writeFully(handle, tail, from);
  await handle.datasync();
  return survey.receipt(key, last);
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
  readonly #noted: ReadonlyMap<number, Seal>;
  #kept = 0;
  /** Whether more came than was kept: how much, only its end would have said. */
  #isCapped = false;
  hasExit = false;
  final: ReadSeal | null = null;
  /** Why the lines are not those that were sealed. */
  contradiction: string | null = null;

  constructor(noted: readonly Seal[]) {
    this.#noted = new Map(noted.map((one) => [one.part, one]));
  }

  /** Where the last whole event ends. */
  get size(): number {
    return this.#chain.size;
  }

  /** That are sealed. */
  get parts(): number {
    return this.#chain.part;
  }

  get #recordedBytes(): number | null {
    if (this.final?.final) return this.final.final.recordedBytes;
    return this.#isCapped ? null : this.#kept;
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
  seal(signer: Signer, state: LeftOpen): Seal {
    const recordedBytes = this.#recordedBytes;
    const micros = this.#duration * 1_000_000;
    const last = seal(this.#chain, signer, micros, { state, recordedBytes });
    this.#hash.update(`${last.line}\n`);
    return last;
  }

  receipt(key: string, last: Seal): RecordingReceipt {
    return {
      key,
      size: this.size,
      recordedBytes: this.#recordedBytes,
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
    this.#isCapped ||= event.code === 'm' && event.data.startsWith(CAP_MARK);
    if (event.code === 'o') this.#kept += this.#exact ?? Buffer.byteLength(event.data);
    return true;
  }

  #closePart(read: ReadSeal | null): boolean {
    if (read === null) return false;
    const head = this.#chain.close();
    if (read.part !== head.part || read.hash !== head.hash) {
      this.contradiction = `part ${head.part} is not what was sealed`;
      return false;
    }
    const noted = this.#noted.get(head.part);
    if (noted !== undefined && noted.line !== read.line) {
      this.contradiction = `the seal of part ${head.part} is not the one that was noted`;
      return false;
    }
    if (read.final !== null) this.final = read;
    return true;
  }
}
