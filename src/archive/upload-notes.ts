import { appendFile, readFile, rm } from 'node:fs/promises';
import type { Digest } from './digest.ts';

/** A part that the store has taken. */
export interface SentPart extends Digest {
  /** As the store named it. */
  readonly etag: string;
}

type Line = { readonly upload: string } | (SentPart & { readonly number: number });

/**
 * How far the upload of one recording is, in a file beside it: a line for its id, and one for each part
 * that was taken. Lines are only added, so that a crash takes the last at most; that part is sent again.
 */
export class UploadNotes {
  readonly #path: string;
  #upload: string | null = null;
  #parts: SentPart[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** What is noted in `path`; nothing where it is not there. */
  static async read(path: string): Promise<UploadNotes> {
    const notes = new UploadNotes(path);
    const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return '';
      throw thrown;
    });
    for (const line of text.split('\n')) notes.#take(parseLine(line));
    return notes;
  }

  /** Null: none was begun. */
  get upload(): string | null {
    return this.#upload;
  }

  /** In order, without a gap. */
  get parts(): readonly SentPart[] {
    return this.#parts;
  }

  /** Bytes of the parts. */
  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  async begun(upload: string): Promise<void> {
    await this.#add({ upload });
  }

  /** `number` is from 1; one that was taken before is replaced. */
  async sent(number: number, part: SentPart): Promise<void> {
    await this.#add({ number, ...part });
  }

  /** Nothing of it counts any more. */
  async forget(): Promise<void> {
    await rm(this.#path, { force: true });
    this.#upload = null;
    this.#parts = [];
  }

  async #add(line: Line): Promise<void> {
    this.#take(line);
    const text = `${JSON.stringify(line)}\n`;
    // On a full disk too recordings have to get away; without its note a part is sent once more after a
    // crash, and an upload that nobody knows is aborted then.
    await appendFile(this.#path, text, { mode: 0o600, flush: true }).catch(() => undefined);
  }

  #take(line: Line | null): void {
    if (line === null) return;
    if ('upload' in line) {
      this.#upload = line.upload;
      this.#parts = [];
    } else if (this.#upload !== null && line.number <= this.#parts.length + 1) {
      const { number, ...part } = line;
      this.#parts[number - 1] = part;
    }
  }
}

/** Null: a crash cut it. */
function parseLine(text: string): Line | null {
  let line: Partial<Record<string, unknown>>;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return null;
    line = { ...parsed };
  } catch {
    return null;
  }
  const { upload, number, bytes, md5, sha256, etag } = line;
  if (typeof upload === 'string') return { upload };
  const isPart =
    typeof number === 'number' &&
    typeof bytes === 'number' &&
    typeof md5 === 'string' &&
    typeof sha256 === 'string' &&
    typeof etag === 'string';
  return isPart ? { number, bytes, md5, sha256, etag } : null;
}
