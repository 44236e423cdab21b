import { type Typed, TypedLines } from './typed-lines.ts';
import { Utf8Stream } from './utf8.ts';

/** Marks of what is not kept; what comes then is told at the end. */
const MOST_MARKS = 200;

/** Writes one event. */
type Write = (code: 'i' | 'm', data: string) => void;

function withheld(count: number): string {
  return `postern: ${count} typed ${count === 1 ? 'character is' : 'characters are'} not recorded`;
}

/** What is typed as events, in order with output: each line when it has been seen whole, or was not. */
export class TypedEvents {
  readonly #decoder = new Utf8Stream();
  readonly #write: Write;
  /** Null: it broke, and nothing typed is kept any more. */
  #lines: TypedLines | null;
  #marks = 0;
  #more = 0;

  constructor(cols: number, rows: number, write: Write) {
    this.#lines = new TypedLines(cols, rows);
    this.#write = write;
  }

  typed(bytes: Uint8Array): void {
    const { text } = this.#decoder.write(bytes);
    this.#guarded((lines) => lines.typed(text));
  }

  /** Before the output is written. */
  output(text: string): void {
    this.#guarded((lines) => lines.output(text));
  }

  resize(size: string): void {
    const [cols = 1, rows = 1] = size.split('x').map(Number);
    this.#guarded((lines) => {
      lines.resize(Math.max(1, cols), Math.max(1, rows));
      return [];
    });
  }

  end(): void {
    this.#guarded((lines) => lines.end());
    if (this.#more > 0) this.#write('m', withheld(this.#more));
  }

  /** What is typed must never cost what is written. */
  #guarded(use: (lines: TypedLines) => readonly Typed[]): void {
    if (this.#lines === null) return;
    try {
      for (const one of use(this.#lines)) this.#tell(one);
    } catch {
      this.#lines = null;
      this.#write('m', 'postern: what is typed from here on is not recorded');
    }
  }

  #tell(one: Typed): void {
    if (one.type === 'text') this.#write('i', one.text);
    else if (this.#marks < MOST_MARKS) {
      this.#marks += 1;
      this.#write('m', withheld(one.count));
    } else {
      this.#more += one.count;
    }
  }
}
