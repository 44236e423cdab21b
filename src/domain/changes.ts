/**
 * Word that something which access rests on has changed: on this node at once, and on the others
 * where there is a way to tell them. Word may be lost; who listens also looks now and then.
 */
export interface Changes {
  publish(): void;
  /** Answers how to stop listening. */
  subscribe(listener: () => void): () => void;
}

/** For one node. */
export class LocalChanges implements Changes {
  readonly #listeners = new Set<() => void>();

  publish(): void {
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
