import { Emulator } from '../replay/terminal/emulator.ts';
import type { Parameters } from '../replay/terminal/sgr.ts';
import { ControlText } from './control-text.ts';
import type { Masks } from './masks.ts';
import { PrintedRun } from './printed-run.ts';
import type { RuleSet } from './rule-set.ts';
import { TracedScreen } from './traced-screen.ts';

/** Sequences that move the cursor, by their final characters; what is printed next stands elsewhere. */
const MOVING = 'ABCDEFGHIZ`adefru';
/** Sequences that take something from the screen. */
const TAKING = 'JKLMPSTX@';

/** The same of escape sequences without an intermediate character. */
const LEADING_AWAY = 'DEMc8';

/** Characters that take no room in most terminals. */
const UNSEEN = /[\p{Cf}\p{Mn}]/u;

/** Without a terminal the cursor begins a line with each LF. */
interface TracerOptions {
  readonly pty: boolean;
  readonly rules: RuleSet;
  readonly masks: Masks;
  /** False: what is printed is looked at, and not what it looks like on a screen. */
  readonly showsScreen: boolean;
}

/** A terminal that finds what is secret in what it is fed, and notes where in the events it stands. */
export class Tracer extends Emulator {
  readonly #screen: TracedScreen | null;
  readonly #run: PrintedRun;
  readonly #string: ControlText;
  readonly #pty: boolean;
  #event = 0;
  #text = '';

  constructor(cols: number, rows: number, { pty, rules, masks, showsScreen }: TracerOptions) {
    super(cols, rows);
    this.#screen = showsScreen ? new TracedScreen(this.screen, rules, masks) : null;
    this.#run = new PrintedRun(rules, masks);
    this.#string = new ControlText(rules, masks);
    this.#pty = pty;
  }

  /** The text of an output event. */
  trace(event: number, text: string): void {
    this.#event = event;
    this.#text = text;
    this.feed(text);
    this.#screen?.look();
  }

  override resize(cols: number, rows: number): void {
    this.#screen?.look();
    super.resize(cols, rows);
  }

  /** Nothing comes any more; with `begun` it only has not come yet, and these rules find what has begun. */
  end(begun: RuleSet | null): void {
    this.#run.end(true, begun);
    this.#string.end(begun);
    this.#screen?.look();
    if (begun !== null) this.#screen?.lookAgain(begun);
  }

  override print(character: number): void {
    this.#screen?.print(character, this.#event, this.at);
    const text = String.fromCodePoint(character);
    if (!UNSEEN.test(text)) this.#run.add(text, this.#event, this.at);
  }

  override printAscii(text: string, from: number, to: number): void {
    let begin = from;
    for (let at = from; at < to; at += 1) {
      const unit = text.charCodeAt(at);
      this.#screen?.print(unit, this.#event, at);
      if (unit !== 0x7f) continue;
      // DEL shows nothing.
      if (begin < at) this.#run.add(text.slice(begin, at), this.#event, begin);
      begin = at + 1;
    }
    if (begin < to) this.#run.add(text.slice(begin, to), this.#event, begin);
  }

  override execute(control: number): void {
    switch (control) {
      case 0x09:
        this.#run.add(' ', this.#event, -1);
        break;
      case 0x08:
        this.#run.end(false);
        break;
      case 0x0d:
        this.#screen?.beforeReturn();
        this.#run.end(true);
        break;
      case 0x0a:
      case 0x0b:
      case 0x0c:
      case 0x84:
      case 0x85:
      case 0x8d:
        this.#screen?.beforeFeed();
        this.#run.end(true);
    }
    super.execute(control);
    if (!this.#pty && control === 0x0a) this.screen.col = 0;
  }

  override escape(intermediate: number, final: number): void {
    const name = String.fromCharCode(final);
    if (intermediate === 0 && LEADING_AWAY.includes(name)) {
      this.#screen?.look();
      this.#run.end(true);
    }
    super.escape(intermediate, final);
  }

  override control(intermediate: number, list: Parameters, final: number): void {
    const name = String.fromCharCode(final);
    if (intermediate === 0) {
      // Its cells have no colours.
      if (name === 'm') return;
      if (name === 'b') {
        this.#screen?.repeat(list.first(0) || 1);
        return;
      }
      if (TAKING.includes(name)) this.#screen?.look();
      if (MOVING.includes(name)) this.#run.end(true);
    } else {
      this.#screen?.look();
    }
    super.control(intermediate, list, final);
  }

  string(at: number, length: number): void {
    if (length === 0) this.#string.end();
    else this.#string.add(this.#text.slice(at, at + length), this.#event, at);
  }
}
