/**
 * One piece of work that many ask for: one round at a time. Who asks during a round waits for the next one,
 * which all who ask then share: the round that is under way may have read already what has changed since.
 */
export class Rounds {
  readonly #work: () => Promise<void>;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Settles as the first round that begins from now on. */
  ask(): Promise<void> {
    if (this.#next !== null) return this.#next;
    if (this.#current === null) return this.#begin();
    this.#next = this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  /** Settles when nothing is under way, and nobody waits; never rejects. */
  async settled(): Promise<void> {
    for (let last = this.#last(); last !== null; last = this.#last()) {
      await last.catch(() => undefined);
    }
  }

  #last(): Promise<void> | null {
    return this.#next ?? this.#current;
  }

  #begin(): Promise<void> {
    this.#next = null;
    const round = this.#work().finally(() => {
      this.#current = null;
    });
    this.#current = round;
    return round;
  }
}
