import type { ReachableMachine } from '../../domain/control-plane.ts';
import type { Window } from '../../domain/terminal.ts';
import { type Key, KeyReader } from './keys.ts';
import { type Entry, entryOf, type MenuState, menuOf, press, renewed } from './model.ts';
import { answer, listed, type PlainState, plainMenu, renewedPlain } from './plain.ts';
import { pageSize, Renderer, type Style } from './renderer.ts';
import { IDLE_MS } from './words.ts';

/** How long an ESC may stand alone before it is the key, in milliseconds. */
const ESCAPE_MS = 100;

export type Choice =
  | { readonly type: 'chosen'; readonly name: string }
  | { readonly type: 'left' }
  | { readonly type: 'idle' };

export interface MenuOptions {
  readonly machines: readonly ReachableMachine[];
  /** Fit for a terminal; empty: none. */
  readonly notice: string;
  readonly window: Window;
  /** Writes to the terminal; false: it holds as much as it may, and `drained` will be called. */
  readonly write: (text: string) => boolean;
}

/** One face of the menu: what keys do to it, and what is seen of that. */
interface Face {
  begin(): string;
  /** What is to be written, or the choice. */
  take(keys: readonly Key[]): Choice | null;
  /** What is to be written since the last time. */
  show(): string;
  resize(window: Window): void;
  renew(entries: readonly Entry[]): void;
  end(): string;
}

/** One choice of a machine on a terminal: life from `start` to `choice`, or to `stop`. */
export class Menu {
  /** Settles at the end, when the screen has been given back; never when it is stopped. */
  readonly choice: Promise<Choice>;
  readonly #settle: (choice: Choice) => void;
  readonly #keys = new KeyReader();
  readonly #face: Face;
  readonly #write: (text: string) => boolean;
  #idle: NodeJS.Timeout | undefined;
  #escape: NodeJS.Timeout | undefined;
  #full = false;
  #over = false;

  /** `style` null: the plain menu. */
  constructor(options: MenuOptions, style: Style | null) {
    const { promise, resolve } = Promise.withResolvers<Choice>();
    this.choice = promise;
    this.#settle = resolve;
    this.#write = options.write;
    this.#face = style === null ? new PlainFace(options) : new ScreenFace(options, style);
  }

  start(): void {
    this.#put(this.#face.begin());
    this.#show();
    this.#wait();
  }

  input(bytes: Buffer): void {
    if (this.#over) return;
    clearTimeout(this.#escape);
    this.#take(this.#keys.read(bytes));
    if (this.#over || !this.#keys.waiting) return;
    this.#escape = setTimeout(() => this.#take(this.#keys.rest()), ESCAPE_MS);
  }

  resize(window: Window): void {
    if (this.#over) return;
    this.#face.resize(window);
    this.#show();
  }

  /** What is to be chosen from has changed. */
  renew(machines: readonly ReachableMachine[]): void {
    if (this.#over) return;
    this.#face.renew(machines.map(entryOf));
    this.#show();
  }

  /** The terminal takes more. */
  drained(): void {
    this.#full = false;
    if (!this.#over) this.#show();
  }

  /** The user will send nothing any more. */
  ended(): void {
    this.#finish({ type: 'left' });
  }

  /** Gives the screen back without a choice. */
  stop(): void {
    this.#close();
  }

  #take(keys: readonly Key[]): void {
    this.#wait();
    const choice = this.#face.take(keys);
    if (choice !== null) this.#finish(choice);
    else this.#show();
  }

  #show(): void {
    // A terminal that is not read gets one picture when it is, not one for each key.
    if (!this.#full) this.#put(this.#face.show());
  }

  #put(text: string): void {
    if (text !== '' && !this.#write(text)) this.#full = true;
  }

  #wait(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#finish({ type: 'idle' }), IDLE_MS);
  }

  #finish(choice: Choice): void {
    if (this.#over) return;
    this.#close();
    this.#settle(choice);
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#escape);
    this.#put(this.#face.end());
  }
}

class ScreenFace implements Face {
  readonly #renderer: Renderer;
  readonly #notice: string;
  #window: Window;
  #state: MenuState;

  constructor({ machines, notice, window }: MenuOptions, style: Style) {
    this.#renderer = new Renderer(style);
    this.#notice = notice;
    this.#window = window;
    this.#state = menuOf(machines.map(entryOf));
  }

  begin(): string {
    return this.#renderer.enter();
  }

  take(keys: readonly Key[]): Choice | null {
    const size = pageSize({ window: this.#window, notice: this.#notice });
    for (const key of keys) {
      const pressed = press(this.#state, key, size);
      if (pressed.type !== 'stay') return pressed;
      this.#state = pressed.state;
    }
    return null;
  }

  show(): string {
    return this.#renderer.paint({
      state: this.#state,
      notice: this.#notice,
      window: this.#window,
      now: new Date(),
    });
  }

  resize(window: Window): void {
    this.#window = window;
  }

  renew(entries: readonly Entry[]): void {
    this.#state = renewed(this.#state, entries);
  }

  end(): string {
    return this.#renderer.leave();
  }
}

/** At most this many characters wait for a terminal that is not read. */
const MOST_WAITING = 64 * 1024;

class PlainFace implements Face {
  readonly #notice: string;
  #state: PlainState;
  #out = '';

  constructor({ machines, notice, window }: MenuOptions) {
    this.#notice = notice;
    this.#state = plainMenu(machines.map(entryOf), window.rows);
  }

  begin(): string {
    const notice = this.#notice === '' ? '' : `\r\n${this.#notice}`;
    return notice + listed(this.#state, new Date());
  }

  take(keys: readonly Key[]): Choice | null {
    for (const key of keys) {
      // Whoever does not read answers nothing.
      if (this.#out.length > MOST_WAITING) return null;
      const answered = answer(this.#state, key, new Date());
      this.#out += answered.out;
      if (answered.type === 'chosen') return { type: 'chosen', name: answered.name };
      if (answered.type === 'left') return { type: 'left' };
      this.#state = answered.state;
    }
    return null;
  }

  show(): string {
    const out = this.#out;
    this.#out = '';
    return out;
  }

  resize(): void {
    // Lines are broken by the terminal itself.
  }

  /** Nothing is printed: what is read aloud is not interrupted. */
  renew(entries: readonly Entry[]): void {
    this.#state = renewedPlain(this.#state, entries);
  }

  end(): string {
    return this.show();
  }
}
