import { constants, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reasonOf } from '../domain/log.ts';
import type { LeftOpen, RecordingReceipt, RepairedRecording } from '../domain/recording.ts';
import { NO_KEYS } from '../domain/recording-keys.ts';
import type { Seal } from '../domain/seal.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { CAP_MARK } from './encoder.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { HashChain } from './hash-chain.ts';
import { parseHeader } from './header.ts';
import { linesOf } from './lines.ts';
import { digestOf, EncryptedMendable, type Mendable, PlainMendable } from './mendable.ts';
import { parseNote } from './note.ts';
import { openCast, type Readable, readableOf } from './open-cast.ts';
import { parseSeal, type ReadSeal, seal } from './seal.ts';
import type { Signer } from './signer.ts';

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
  /** What opens an encrypted one; left out: nothing. */
  readonly ring?: KeyRing;
}

/** What a disk says that cannot be written now. */
const DISK_TROUBLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE'];

/**
 * Repairs a recording that nobody writes any more: cuts it to its last whole event, says so in it, and
 * seals it. One that is sealed to its end already stays as it is. So does one that is not what was
 * sealed, or shorter than what was noted: it is evidence, and to seal it would vouch for it. One that is
 * encrypted is cut to its last whole record first. In bounded memory. Rejects when the disk cannot be
 * written now, or the secret key is another one now: then it can be tried again.
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
      const readable = await readableOf(cast, means.ring ?? new KeyRing(NO_KEYS));
      const repaired = await repairReadable(key, cast.handle, readable, means);
      return { size: cast.stats.size, ...repaired };
    } finally {
      await cast.handle.close();
    }
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (DISK_TROUBLE.includes(code) || thrown instanceof OtherSecretKey) throw thrown;
    return unsealed(code === 'ELOOP' ? 'tampered' : 'failed', reasonOf(thrown));
  }
}

function unsealed(state: Repair['state'], reason: string): Repair {
  return { state, receipt: null, reason };
}

/** What the recording's data key is kept under can come back. */
class OtherSecretKey extends Error {}

function repairReadable(
  key: string,
  handle: FileHandle,
  readable: Readable,
  means: RepairMeans,
): Promise<Repair> {
  switch (readable.type) {
    case 'plain':
      return repairFile(key, handle, new PlainMendable(handle, readable.bytes), means);
    case 'encrypted': {
      const mendable = new EncryptedMendable(handle, readable.bytes, readable.sealed);
      return repairFile(key, handle, mendable, means);
    }
    case 'locked':
      if (readable.why === 'other_key') {
        throw new OtherSecretKey('it was begun under another POSTERN_SECRET_KEY');
      }
      return Promise.resolve(unsealed('truncated', 'its data key is not kept any more'));
  }
}

async function repairFile(
  key: string,
  handle: FileHandle,
  file: Mendable,
  { signer, noted, left = 'recovered' }: RepairMeans,
): Promise<Repair> {
  const survey = new Survey(noted);
  for await (const { bytes } of linesOf(file.cast)) {
    if (!survey.add(bytes)) break;
  }
  const size = await file.length();
  if (survey.size === 0) return unsealed('failed', 'the first line is no asciicast header');
  if (survey.contradiction !== null) return unsealed('tampered', survey.contradiction);
  const newest = noted.at(-1);
  if (newest !== undefined && survey.parts < newest.part) {
    const reason = `part ${survey.parts + 1} is not there as it was noted`;
    return unsealed(size > newest.end ? 'tampered' : 'truncated', reason);
  }
  const { final } = survey;
  if (final?.final) {
    if (survey.size < size) return unsealed('tampered', 'bytes follow the last seal');
    const receipt = { ...survey.amount, key, seal: final, ...(await digestOf(handle)) };
    return { state: final.final.state, receipt, reason: null };
  }
  const last = await cutAndSeal(file, survey, { signer, left });
  const receipt = { ...survey.amount, key, seal: last, ...(await digestOf(handle)) };
  return { state: left, receipt, reason: null };
}

async function cutAndSeal(
  file: Mendable,
  survey: Survey,
  { signer, left }: { readonly signer: Signer; readonly left: LeftOpen },
): Promise<Seal> {
  const from = survey.size;
  // After the exit status nothing was to come.
  const said = survey.hasExit ? NOTHING : MARKS[left];
  survey.append(said);
  const last = survey.seal(signer, left);
  await file.continueAt(from, Buffer.concat([said, Buffer.from(`${last.line}\n`)]));
  return last;
}

/** Reads a file's lines up to the first that is not whole, and adds up what a receipt says. */
class Survey {
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
    this.#chain.add(line);
  }

  /** Seals what there is; answers the line, which is not in the file yet. */
  seal(signer: Signer, state: LeftOpen): Seal {
    const recordedBytes = this.#recordedBytes;
    const micros = this.#duration * 1_000_000;
    return seal(this.#chain, signer, micros, { state, recordedBytes });
  }

  /** How much was recorded. */
  get amount(): Pick<RecordingReceipt, 'recordedBytes' | 'duration'> {
    return { recordedBytes: this.#recordedBytes, duration: this.#duration };
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
