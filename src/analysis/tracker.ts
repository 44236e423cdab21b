import type { Command } from '../domain/analysis.ts';
import { Ledger, type LedgerState } from './ledger.ts';
import type { Mark, MarkFamily } from './marks.ts';
import type { Waiting } from './prompts.ts';

/** Shells in shells that are followed by their marks. */
const DEEPEST = 32;

/** A line that a program took. */
export interface TakenLine {
  readonly text: string;
  /** Seconds. */
  readonly at: number;
  readonly waiting: Waiting;
  /** Whose marks stood around it. */
  readonly family: MarkFamily | null;
  /** Whether a line editor was seen to read it, or its prompt was known. */
  readonly isLikely: boolean;
}

interface Pending {
  readonly text: string;
  readonly at: number;
  readonly family: MarkFamily;
}

export interface TrackerState {
  readonly ledger: LedgerState;
  readonly running: number | null;
  readonly outer: number | null;
  readonly marked: readonly number[];
  readonly pending: Pending | null;
  readonly line: string | null;
  readonly cwd: string | null;
  readonly sendsBegin: boolean;
  readonly sendsEnd: boolean;
  readonly more: boolean;
  readonly isSecondary: boolean;
}

/** Makes commands of lines that shells took, and of what they say with marks. */
export class Tracker {
  readonly #ledger: Ledger;
  /** The one that was found without marks and goes on. */
  #running: number | null = null;
  /** The multiplexer that it goes on in, where that was found without marks. */
  #outer: number | null = null;
  /** Those that marks began, the innermost last. */
  #marked: number[] = [];
  /** A line whose beginning the shell has still to say. */
  #pending: Pending | null = null;
  /** What the shell says that the line is. */
  #line: string | null = null;
  #cwd: string | null = null;
  #sendsBegin = false;
  #sendsEnd = false;
  /** A line was taken, and nothing was to be seen since. */
  more = false;
  /** The last prompt that was marked is one for the rest of a command. */
  isSecondary = false;

  constructor(channel: number, state: TrackerState | null) {
    this.#ledger = new Ledger(channel, state?.ledger ?? null);
    if (state === null) return;
    this.#running = state.running;
    this.#outer = state.outer;
    this.#marked = [...state.marked];
    this.#pending = state.pending;
    this.#line = state.line;
    this.#cwd = state.cwd;
    this.#sendsBegin = state.sendsBegin;
    this.#sendsEnd = state.sendsEnd;
    this.more = state.more;
    this.isSecondary = state.isSecondary;
  }

  state(): TrackerState {
    return {
      ledger: this.#ledger.state(),
      running: this.#running,
      outer: this.#outer,
      marked: this.#marked,
      pending: this.#pending,
      line: this.#line,
      cwd: this.#cwd,
      sendsBegin: this.#sendsBegin,
      sendsEnd: this.#sendsEnd,
      more: this.more,
      isSecondary: this.isSecondary,
    };
  }

  take(): readonly Command[] {
    return this.#ledger.take();
  }

  /** The channel's own command. */
  exec(text: string): number {
    return this.#ledger.begin({ start: 0, text, cwd: null, source: 'exec', confidence: 'exact' });
  }

  end(index: number, at: number, status: number | null): void {
    this.#ledger.end(index, at, status);
  }

  /** What runs now has shells of its own. */
  enter(): void {
    this.#outer ??= this.#running;
    this.#running = null;
  }

  /** They are not to be seen any more. */
  leave(at: number): void {
    this.back(at);
    this.#running = this.#outer;
    this.#outer = null;
  }

  /** A shell waits again. */
  back(at: number): void {
    if (this.#running !== null) this.#ledger.end(this.#running, at, null);
    this.#running = null;
  }

  took({ text, at, waiting, family, isLikely }: TakenLine): void {
    if (waiting === 'more') {
      this.#continue(text);
      return;
    }
    const line = text.trim();
    this.more = false;
    if (waiting !== 'shell' || line === '' || line.endsWith('^C')) return;
    this.more = true;
    if (family === null) {
      const confidence = isLikely ? 'likely' : 'guess';
      const facts = { start: at, text: line, cwd: this.#cwd, confidence } as const;
      this.back(at);
      this.#running = this.#ledger.begin({ ...facts, source: 'screen' });
    } else {
      this.#pending = { text: line, at, family };
    }
  }

  #continue(text: string): void {
    this.more = true;
    const line = text.trimEnd();
    if (this.#pending !== null) {
      const { text: before, ...rest } = this.#pending;
      this.#pending = { text: `${before}\n${line}`, ...rest };
    } else if (this.#running !== null) {
      const before = this.#ledger.running(this.#running)?.text ?? '';
      this.#ledger.change(this.#running, { text: `${before}\n${line}` });
    }
  }

  /** Those of lines that have begun by themselves: no mark says so in this shell. */
  #claim(): void {
    if (this.#pending === null) return;
    const { text, at, family } = this.#pending;
    this.#pending = null;
    if (this.#sendsBegin) return;
    this.#push({ text, start: at, cwd: this.#cwd, source: family, confidence: 'likely' });
  }

  #push(command: Parameters<Ledger['begin']>[0]): void {
    this.#marked.push(this.#ledger.begin(command));
    if (this.#marked.length <= DEEPEST) return;
    const outermost = this.#marked.shift();
    if (outermost !== undefined) this.#ledger.leave(outermost);
  }

  /** `at`: seconds. */
  mark(mark: Exclude<Mark, { readonly type: 'input' }>, at: number): void {
    switch (mark.type) {
      case 'prompt':
        this.isSecondary = mark.isSecondary;
        if (mark.isSecondary) break;
        this.#claim();
        if (!this.#sendsEnd) this.#endMarked(at, null);
        break;
      case 'line':
        this.#line = mark.text;
        break;
      case 'begin':
        this.#begin(mark.family, mark.text ?? this.#line, at);
        break;
      case 'end':
        this.#sendsEnd = true;
        this.#claim();
        this.#endMarked(at, mark.status);
        break;
      case 'cwd':
        this.#cwd = mark.path;
        break;
      default:
        mark satisfies never;
    }
  }

  #begin(family: MarkFamily, said: string | null, at: number): void {
    const pending = this.#pending;
    const shown = this.more ? this.#running : null;
    this.#pending = null;
    this.#line = null;
    this.#sendsBegin = true;
    this.more = false;
    const confidence = said === null ? 'likely' : 'exact';
    if (shown !== null) {
      const text = said === null ? {} : { text: said.trim() };
      this.#ledger.change(shown, { ...text, source: family, confidence });
      this.#running = null;
      this.#marked.push(shown);
      return;
    }
    const text = (said ?? pending?.text ?? '').trim();
    if (text === '') return;
    this.#push({ text, start: pending?.at ?? at, cwd: this.#cwd, source: family, confidence });
  }

  #endMarked(at: number, status: number | null): void {
    const index = this.#marked.pop();
    if (index === undefined) return;
    // What ran in it has ended with it.
    this.back(at);
    this.#ledger.end(index, at, status);
  }

  /** Nothing comes any more. */
  close(at: number): void {
    this.#claim();
    this.back(at);
    for (const index of this.#marked) this.#ledger.end(index, at, null);
    this.#marked = [];
  }
}
