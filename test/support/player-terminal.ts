import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The terminal of asciinema-player itself, without a browser: its WebAssembly, taken out of the
 * package, with as much of wasm-bindgen's glue as it needs. The package exports none of it, so this
 * follows version 3.17.0; test/replay says when that has changed.
 */

/** What of WebAssembly is used: the types of the DOM are not among the project's. */
interface Wasm {
  readonly Module: (new (
    bytes: Uint8Array,
  ) => object) & {
    imports(module: object): { readonly name: string }[];
  };
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, object>>,
  ) => { readonly exports: Exports };
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  create(cols: number, rows: number, scrollback: number, boldIsBright: number): number;
  vt_feed(vt: number, text: number, length: number): number;
  vt_resize(vt: number, cols: number, rows: number): number;
  vt_getLine(vt: number, row: number, cursor: number): number;
  vt_getCursor(vt: number): number;
  __wbg_vt_free(vt: number, unused: number): void;
  /** malloc */
  __wbindgen_export(size: number, align: number): number;
}

function wasmOf(file: string): Buffer | null {
  const match = /base64Decode\("(AGFzbQ[^"]+)"\)/.exec(readFileSync(file, 'utf8'));
  return match?.[1] === undefined ? null : Buffer.from(match[1], 'base64');
}

function findWasm(): Buffer {
  const dist = fileURLToPath(new URL('.', import.meta.resolve('asciinema-player')));
  for (const name of readdirSync(dist)) {
    const wasm = name.endsWith('.js') ? wasmOf(`${dist}/${name}`) : null;
    if (wasm !== null) return wasm;
  }
  throw new Error('asciinema-player has no terminal in the form that is known');
}

const objects = new Map<number, unknown>();
let lastObject = 0;

function keep(value: unknown): number {
  lastObject += 1;
  objects.set(lastObject, value);
  return lastObject;
}

function take(id: number): unknown {
  const value = objects.get(id);
  objects.delete(id);
  return value;
}

function textAt(from: number, length: number): string {
  return Buffer.from(wasm.memory.buffer, from, length).toString('utf8');
}

/** By the beginning of their names: the rest is a hash. */
const GLUE: readonly (readonly [string, (...args: number[]) => unknown])[] = [
  ['__wbg___wbindgen_debug_string', () => undefined],
  [
    '__wbg___wbindgen_throw',
    (from = 0, length = 0) => {
      throw new Error(textAt(from, length));
    },
  ],
  ['__wbg_new_', () => keep({})],
  [
    '__wbg_set_',
    (target = 0, key = 0, value = 0) => {
      const name = objects.has(key) && typeof objects.get(key) === 'string' ? take(key) : key;
      Object.assign(objects.get(target) ?? {}, { [String(name)]: take(value) });
    },
  ],
  ['__wbindgen_cast_2241b6af4c4b2941', (from = 0, length = 0) => keep(textAt(from, length))],
  ['__wbindgen_cast', (value = 0) => keep(Number(value))],
  ['__wbindgen_object_clone_ref', (id = 0) => keep(objects.get(id))],
  ['__wbindgen_object_drop_ref', (id = 0) => take(id)],
];

function load(): Exports {
  const { Module, Instance }: Wasm = Reflect.get(globalThis, 'WebAssembly');
  const module = new Module(new Uint8Array(findWasm()));
  const functions = Module.imports(module).map(({ name }) => {
    const glue = GLUE.find(([start]) => name.startsWith(start));
    if (glue === undefined) throw new Error(`the player's terminal wants ${name}`);
    return [name, glue[1]] as const;
  });
  return new Instance(module, { wbg: Object.fromEntries(functions) }).exports;
}

const wasm = load();

function colour(view: DataView, at: number): string {
  const kind = view.getUint8(at);
  if (kind < 3) return ['-', 'fg', 'bg'][kind] ?? '?';
  const bytes = [1, 2, 3].map((byte) => view.getUint8(at + byte));
  return kind === 3 ? `i${bytes[0]}` : `#${bytes.join(',')}`;
}

/** A terminal as the player has one; it frees itself with the process alone. */
export class PlayerTerminal {
  readonly #vt: number;
  rows: number;

  constructor(cols: number, rows: number, init = '') {
    this.#vt = wasm.create(cols, rows, 100, 0);
    this.rows = rows;
    if (init !== '') this.feed(init);
  }

  feed(text: string): void {
    const bytes = Buffer.from(text);
    const at = wasm.__wbindgen_export(Math.max(1, bytes.length), 1);
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
    take(wasm.vt_feed(this.#vt, at, bytes.length));
  }

  resize(cols: number, rows: number): void {
    take(wasm.vt_resize(this.#vt, cols, rows));
    this.rows = rows;
  }

  /** Column and row, or null when it is hidden. */
  get cursor(): unknown {
    return take(wasm.vt_getCursor(this.#vt));
  }

  /** Everything that the player draws: characters, colours, attributes, and the cursor. */
  get picture(): string[] {
    const rows = Array.from({ length: this.rows }, (_, row) => this.#row(row));
    return [...rows, JSON.stringify(this.cursor)];
  }

  free(): void {
    wasm.__wbg_vt_free(this.#vt, 0);
  }

  #row(row: number): string {
    const line = Object(take(wasm.vt_getLine(this.#vt, row, 0)));
    const part = (name: string) => Object.values<number>(line[name] ?? {});
    const [codes = 0, length = 0] = part('codepoints');
    const text = String.fromCodePoint(...new Uint32Array(wasm.memory.buffer, codes, length));
    return [
      text,
      this.#spans(
        part('bg'),
        8,
        (view, at) => `${view.getUint16(at + 2, true)}${colour(view, at + 4)}`,
      ),
      this.#spans(part('text'), 12, (view, at) =>
        [view.getUint16(at + 4, true), colour(view, at + 6), view.getUint8(at + 10)].join(),
      ),
      this.#spans(part('raster_symbols'), 12, (view, at) =>
        [view.getUint32(at + 4, true), colour(view, at + 8)].join(),
      ),
      this.#spans(part('vector_symbols'), 16, (view, at) =>
        [view.getUint32(at + 4, true), colour(view, at + 8), view.getUint8(at + 12)].join(),
      ),
    ].join('|');
  }

  #spans(
    [from = 0, count = 0]: readonly number[],
    size: number,
    show: (view: DataView, at: number) => string,
  ): string {
    if (count === 0) return '';
    const view = new DataView(wasm.memory.buffer, from, count * size);
    return Array.from(
      { length: count },
      (_, n) => `${view.getUint16(n * size, true)}:${show(view, n * size)}`,
    ).join(' ');
  }
}
