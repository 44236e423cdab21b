import type { Parameters } from './sgr.ts';

const MOST_PARAMETERS = 32;
const MOST_PARTS = 6;

/** The parts of each parameter. */
export type ListState = readonly (readonly number[])[];

/** Parameters as they are read; numbers wrap at 16 bits, and further ones fall on the last. */
export class ParameterList implements Parameters {
  readonly #parts = new Uint16Array(MOST_PARAMETERS * MOST_PARTS);
  readonly #last = new Uint8Array(MOST_PARAMETERS);
  count = 1;

  clear(): void {
    this.#parts.fill(0, 0, this.count * MOST_PARTS);
    this.#last.fill(0, 0, this.count);
    this.count = 1;
  }

  add(character: number): void {
    const at = this.count - 1;
    if (character === 0x3b) {
      this.count = Math.min(this.count + 1, MOST_PARAMETERS);
    } else if (character === 0x3a) {
      this.#last[at] = Math.min((this.#last[at] ?? 0) + 1, MOST_PARTS - 1);
    } else {
      const part = at * MOST_PARTS + (this.#last[at] ?? 0);
      this.#parts[part] = 10 * (this.#parts[part] ?? 0) + character - 0x30;
    }
  }

  state(): ListState {
    return Array.from({ length: this.count }, (_, at) => this.parts(at));
  }

  restore(state: ListState): void {
    this.clear();
    this.count = state.length;
    for (const [at, parts] of state.entries()) {
      this.#parts.set(parts, at * MOST_PARTS);
      this.#last[at] = parts.length - 1;
    }
  }

  first(at: number): number {
    return at < this.count ? (this.#parts[at * MOST_PARTS] ?? 0) : 0;
  }

  hasParts(at: number): boolean {
    return (this.#last[at] ?? 0) > 0;
  }

  parts(at: number): readonly number[] {
    const from = at * MOST_PARTS;
    return [...this.#parts.subarray(from, from + 1 + (this.#last[at] ?? 0))];
  }

  get text(): string {
    return this.state()
      .map((parts) => parts.join(':'))
      .join(';');
  }
}
