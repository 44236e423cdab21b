import { randomBytes } from 'node:crypto';
import type { ControlPlane } from '../domain/control-plane.ts';
import type { EnteredContainer } from '../domain/entered-container.ts';

export type VisitNotes = Pick<ControlPlane, 'enterContainer' | 'leaveContainer'>;

/** Hexadecimal digits behind a visit's mark, which tell its programs apart. */
export const NUMBER_DIGITS = 8;

/**
 * A session's programs in its container: what they are known by is noted before the first of them
 * begins, so that they are found whatever becomes of this process, and the note goes with the last.
 */
export class ContainerVisit {
  readonly #notes: VisitNotes;
  readonly #sessionId: number;
  readonly #entered: EnteredContainer;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #noted: Promise<void> | null = null;
  #programs = 0;
  #clean = true;

  constructor(notes: VisitNotes, sessionId: number, where: Omit<EnteredContainer, 'mark'>) {
    this.#notes = notes;
    this.#sessionId = sessionId;
    this.#entered = { ...where, mark: randomBytes(16).toString('hex') };
  }

  /** Aborted when the session has ended: what is left is then ended by others. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** The mark of a program that is about to begin. Rejects when nobody would find it. */
  async mark(): Promise<string> {
    this.#programs += 1;
    const number = this.#programs.toString(16).padStart(NUMBER_DIGITS, '0');
    this.#noted ??= this.#note();
    await this.#noted;
    return this.#entered.mark + number;
  }

  /** Of a program that may run: whether nothing is left of it. `left` does not reject. */
  follow(left: Promise<boolean>): void {
    const followed = left.then((isGone) => {
      if (!isGone) this.#clean = false;
      this.#running.delete(followed);
    });
    this.#running.add(followed);
  }

  /** The session has ended. */
  end(): void {
    this.#over.abort();
    if (this.#noted !== null) void this.#leave(this.#noted);
  }

  async #note(): Promise<void> {
    try {
      await this.#notes.enterContainer(this.#sessionId, this.#entered);
    } catch (error) {
      this.#noted = null;
      throw error;
    }
  }

  async #leave(noted: Promise<void>): Promise<void> {
    await noted.catch(() => undefined);
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#notes.leaveContainer(this.#sessionId, this.#clean);
  }
}
