import type { AnalysedChannel, Analyser, AnalysisChanges } from '../domain/analysis.ts';
import type { CastEvent } from '../domain/recording.ts';
import { sizeOf } from '../domain/terminal-size.ts';
import { Blocks, type BlocksState } from './blocks.ts';
import { exitOf } from './exit.ts';
import { Shell, type ShellState } from './shell.ts';

interface State {
  readonly blocks: BlocksState;
  readonly shell: ShellState;
  readonly exec: number | null;
  readonly last: number;
}

/** Of what ran on a terminal. */
export class TerminalAnalyser implements Analyser {
  readonly #blocks: Blocks;
  readonly #shell: Shell;
  /** The channel's own command, while it goes on. */
  #exec: number | null = null;
  #last = 0;

  constructor(channel: AnalysedChannel, text: string | null) {
    const state = text === null ? null : (JSON.parse(text) as State);
    this.#blocks = new Blocks(channel.channel, state?.blocks ?? null);
    const tell: ConstructorParameters<typeof Shell>[2] = (line) => this.#blocks.add(line);
    this.#shell = new Shell(channel.channel, channel, tell, state?.shell ?? null);
    if (state !== null) {
      this.#exec = state.exec;
      this.#last = state.last;
    } else if (channel.command !== null) {
      this.#exec = this.#shell.tracker.exec(channel.command);
    }
  }

  feed({ at, code, data }: CastEvent): void {
    this.#last = at;
    if (code === 'o') this.#shell.write(data, at);
    if (code === 'r') this.#resize(data, at);
    if (code === 'x') this.#exited(at, exitOf(data));
  }

  idle(at: number): void {
    this.#shell.idle(at);
  }

  end(): void {
    this.#shell.end();
    this.#exited(this.#last, null);
    this.#blocks.close();
  }

  take(): AnalysisChanges {
    return { commands: this.#shell.tracker.take(), blocks: this.#blocks.take() };
  }

  state(): string {
    const state: State = {
      blocks: this.#blocks.state(),
      shell: this.#shell.state(),
      exec: this.#exec,
      last: this.#last,
    };
    return JSON.stringify(state);
  }

  #resize(data: string, at: number): void {
    const size = sizeOf(data);
    if (size !== null) this.#shell.resize(size.cols, size.rows, at);
  }

  #exited(at: number, status: number | null): void {
    if (this.#exec === null) return;
    this.#shell.tracker.end(this.#exec, at, status);
    this.#exec = null;
  }
}
