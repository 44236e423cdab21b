import type { OpenFile } from './open-file.ts';
import { Unreadable } from './unreadable.ts';

const MOST_FILES = 1024;

/** The files that the machine has open on one channel, by the handles that it gave them. */
export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  readonly #closing = new Set<string>();

  add(handle: string, file: OpenFile): void {
    if (this.#files.has(handle)) throw new Unreadable('two open files with one handle');
    if (this.#files.size >= MOST_FILES) throw new Unreadable('too many files at once');
    this.#files.set(handle, file);
  }

  /** A handle that was not given yet could be guessed, to write past the record. */
  used(handle: string): OpenFile {
    this.#mustStay(handle);
    const file = this.#files.get(handle);
    if (!file) throw new Unreadable('a file was used that the machine has not opened');
    return file;
  }

  /** Its closing was asked for: a file that is opened next may be given the same handle. Gives it. */
  closing(handle: string): string {
    this.#mustStay(handle);
    if (this.#files.has(handle)) this.#closing.add(handle);
    return handle;
  }

  /** The machine has answered that; null: it was no file's. */
  closed(handle: string): OpenFile | null {
    const file = this.#files.get(handle) ?? null;
    this.#files.delete(handle);
    this.#closing.delete(handle);
    return file;
  }

  /** All of them, which are not known any more after this. */
  take(): readonly OpenFile[] {
    const all = [...this.#files.values()];
    this.#files.clear();
    this.#closing.clear();
    return all;
  }

  #mustStay(handle: string): void {
    if (this.#closing.has(handle)) throw new Unreadable('a file was used while it was closed');
  }
}
