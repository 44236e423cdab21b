import type { TranscriptBlock, TranscriptKind, TranscriptStream } from '../domain/analysis.ts';

/** UTF-16 units of a block's text. */
const MOST = 4096;

/** Seconds without a line after which the next one begins a block. */
const PAUSE = 1;

/** A line that was to be seen, and the seconds in which it was written. */
export interface SeenLine {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly stream: TranscriptStream;
  readonly kind: TranscriptKind;
}

interface OpenBlock {
  readonly from: number;
  to: number;
  text: string;
  /** Empty lines at its end, which are only kept when others follow. */
  blank: number;
  readonly stream: TranscriptStream;
  readonly kind: TranscriptKind;
}

export interface BlocksState {
  readonly next: number;
  readonly open: OpenBlock | null;
  readonly isChanged: boolean;
  readonly closed: readonly TranscriptBlock[];
}

/** Gathers lines into blocks. */
export class Blocks {
  readonly #channel: number;
  #next = 0;
  #open: OpenBlock | null = null;
  #isChanged = false;
  #closed: TranscriptBlock[] = [];

  constructor(channel: number, state: BlocksState | null) {
    this.#channel = channel;
    if (state === null) return;
    this.#next = state.next;
    this.#open = state.open === null ? null : { ...state.open };
    this.#isChanged = state.isChanged;
    this.#closed = [...state.closed];
  }

  add(line: SeenLine): void {
    for (let at = 0; at === 0 || at < line.text.length; at += MOST) {
      this.#addPiece({ ...line, text: line.text.slice(at, at + MOST) });
    }
  }

  /** What comes belongs to something else. */
  close(): void {
    if (this.#open === null) return;
    this.#closed.push(this.#blockOf(this.#open));
    this.#open = null;
    this.#isChanged = false;
    this.#next += 1;
  }

  take(): readonly TranscriptBlock[] {
    const taken = this.#closed;
    if (this.#open !== null && this.#isChanged) taken.push(this.#blockOf(this.#open));
    this.#closed = [];
    this.#isChanged = false;
    return taken;
  }

  state(): BlocksState {
    return {
      next: this.#next,
      open: this.#open,
      isChanged: this.#isChanged,
      closed: this.#closed,
    };
  }

  #addPiece({ from, to, text, stream, kind }: SeenLine): void {
    const open = this.#open;
    if (open !== null && (!joins(open, from, text) || open.stream !== stream || open.kind !== kind))
      this.close();
    if (this.#open === null) {
      if (text === '') return;
      this.#open = { from, to, text, blank: 0, stream, kind };
      this.#isChanged = true;
    } else if (text === '') {
      this.#open.blank += 1;
    } else {
      this.#open.text += `${'\n'.repeat(this.#open.blank + 1)}${text}`;
      this.#open.blank = 0;
      this.#open.to = Math.max(this.#open.to, to);
      this.#isChanged = true;
    }
  }

  #blockOf({ from, to, text, stream, kind }: OpenBlock): TranscriptBlock {
    return { channel: this.#channel, index: this.#next, from, to, text, stream, kind };
  }
}

function joins(open: OpenBlock, from: number, text: string): boolean {
  return from - open.to <= PAUSE && open.text.length + open.blank + 1 + text.length <= MOST;
}
