/** Places that are taken and left, counted in all and by whose they are: nobody alone takes all of them. */
export class Crowd {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #byWho = new Map<string, number>();
  #count = 0;

  constructor({ most, mostOfOne }: { readonly most: number; readonly mostOfOne: number }) {
    this.#most = most;
    this.#mostOfOne = mostOfOne;
  }

  /** Takes a place; answers the way to leave it (more than once does no harm), or undefined: there is none. */
  enter(who: string): (() => void) | undefined {
    const theirs = this.#byWho.get(who) ?? 0;
    if (this.#count >= this.#most || theirs >= this.#mostOfOne) return undefined;
    this.#byWho.set(who, theirs + 1);
    this.#count += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(who);
    };
  }

  #leave(who: string): void {
    const theirs = (this.#byWho.get(who) ?? 1) - 1;
    if (theirs > 0) this.#byWho.set(who, theirs);
    else this.#byWho.delete(who);
    this.#count -= 1;
  }
}
