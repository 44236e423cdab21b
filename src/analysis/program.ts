import type { AnalysedChannel, Analyser, AnalysisChanges } from '../domain/analysis.ts';
import type { CastEvent } from '../domain/recording.ts';
import { Blocks, type BlocksState } from './blocks.ts';
import { exitOf } from './exit.ts';
import { Ledger, type LedgerState } from './ledger.ts';
import { plainText } from './plain-text.ts';

/** Seconds without output after which half a line counts as one. */
const PAUSE = 1;

/** UTF-16 units after which a line without an end is cut. */
const LONGEST_LINE = 65_536;

interface Half {
  from: number;
  to: number;
  text: string;
}

interface State {
  readonly last: number;
  readonly halves: Readonly<Record<'stdout' | 'stderr', Half | null>>;
  readonly blocks: BlocksState;
  readonly ledger: LedgerState;
  readonly command: number | null;
}

/** Of a program without a terminal: its command, and its two outputs as they came. */
export class ProgramAnalyser implements Analyser {
  readonly #blocks: Blocks;
  readonly #ledger: Ledger;
  readonly #halves: Record<'stdout' | 'stderr', Half | null>;
  /** Null: it has ended, or there is none. */
  #command: number | null;
  #last: number;

  constructor({ channel, command }: AnalysedChannel, text: string | null) {
    const state = text === null ? null : (JSON.parse(text) as State);
    this.#blocks = new Blocks(channel, state?.blocks ?? null);
    this.#ledger = new Ledger(channel, state?.ledger ?? null);
    this.#halves = { stdout: null, stderr: null, ...state?.halves };
    this.#last = state?.last ?? 0;
    this.#command = state?.command ?? null;
    if (state === null && command !== null) {
      const facts = { start: 0, cwd: null, source: 'exec', confidence: 'exact' } as const;
      this.#command = this.#ledger.begin({ ...facts, text: command });
    }
  }

  feed({ at, code, data, isError }: CastEvent): void {
    this.idle(at);
    this.#last = at;
    if (code === 'o') this.#write(at, data, isError ? 'stderr' : 'stdout');
    if (code === 'x') this.#ended(at, exitOf(data));
  }

  idle(at: number): void {
    if (at - this.#last >= PAUSE) this.#flush();
  }

  end(): void {
    this.#flush();
    this.#blocks.close();
    this.#ended(this.#last, null);
  }

  take(): AnalysisChanges {
    return { commands: this.#ledger.take(), blocks: this.#blocks.take() };
  }

  state(): string {
    const state: State = {
      last: this.#last,
      halves: this.#halves,
      blocks: this.#blocks.state(),
      ledger: this.#ledger.state(),
      command: this.#command,
    };
    return JSON.stringify(state);
  }

  #ended(at: number, status: number | null): void {
    if (this.#command === null) return;
    this.#ledger.end(this.#command, at, status);
    this.#command = null;
  }

  #write(at: number, text: string, stream: 'stdout' | 'stderr'): void {
    let from = 0;
    while (from < text.length) {
      const half = this.#halves[stream] ?? { from: at, to: at, text: '' };
      this.#halves[stream] = half;
      const newline = text.indexOf('\n', from);
      const room = from + LONGEST_LINE - half.text.length;
      const end = Math.min(newline === -1 ? text.length : newline, room);
      half.text += text.slice(from, end);
      half.to = at;
      if (end === newline || end === room) this.#line(stream);
      from = end === newline ? end + 1 : end;
    }
  }

  #line(stream: 'stdout' | 'stderr'): void {
    const half = this.#halves[stream];
    if (half === null) return;
    this.#halves[stream] = null;
    this.#blocks.add({ ...half, text: plainText(half.text), stream, kind: 'output' });
  }

  #flush(): void {
    this.#line('stdout');
    this.#line('stderr');
  }
}
