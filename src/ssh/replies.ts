/**
 * Answers to the requests of one channel, sent in the order of the requests (they carry no number by
 * which a client could tell), though some are decided later than those behind them.
 */
export class Replies {
  readonly #send: (yes: boolean) => void;
  readonly #places: { yes: boolean | null }[] = [];

  constructor(send: (yes: boolean) => void) {
    this.#send = send;
  }

  /** How many answers wait for one before them. */
  get waiting(): number {
    return this.#places.length;
  }

  /** Takes the next place; the answer is what is called first with what is returned. */
  place(): (yes: boolean) => void {
    const place: { yes: boolean | null } = { yes: null };
    this.#places.push(place);
    return (yes) => {
      place.yes ??= yes;
      this.#flush();
    };
  }

  #flush(): void {
    for (let first = this.#places[0]; first?.yes != null; first = this.#places[0]) {
      this.#places.shift();
      this.#send(first.yes);
    }
  }
}
