import { type Logger, reasonOf } from '../domain/log.ts';

/** What was opened, to be closed in the opposite order, each within its own time. */
export class Closers {
  readonly #log: Logger;
  readonly #open: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, close: () => Promise<void> | void): void {
    this.#open.push({ name, close });
  }

  /** What works in the background: it begins now. */
  begin(name: string, part: { begin(): void; close(): Promise<void> }): void {
    part.begin();
    this.add(name, () => part.close());
  }

  /** Closes everything; what fails is logged, and the rest goes on. */
  async close(): Promise<void> {
    for (const { name, close } of this.#open.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        this.#log.error('could not be closed', { what: name, reason: reasonOf(error) });
      }
    }
  }
}
