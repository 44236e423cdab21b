import type { Command } from '../domain/analysis.ts';

/** UTF-16 units of a command's text. */
const MOST = 8192;

export type NewCommand = Omit<Command, 'channel' | 'index' | 'end' | 'exitStatus'>;

export interface LedgerState {
  readonly next: number;
  readonly running: readonly Command[];
  readonly changed: readonly Command[];
}

/** Longer ones are cut. */
export function commandText(text: string): string {
  return text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text;
}

/** The commands of a channel. Those that go on are kept at hand, the others are given away. */
export class Ledger {
  readonly #channel: number;
  #next = 0;
  /** By index. */
  readonly #running = new Map<number, Command>();
  readonly #changed = new Map<number, Command>();

  constructor(channel: number, state: LedgerState | null) {
    this.#channel = channel;
    if (state === null) return;
    this.#next = state.next;
    for (const command of state.running) this.#running.set(command.index, command);
    for (const command of state.changed) this.#changed.set(command.index, command);
  }

  /** Answers its index. */
  begin(command: NewCommand): number {
    const index = this.#next;
    this.#next += 1;
    const text = commandText(command.text);
    this.#keep({ ...command, text, channel: this.#channel, index, end: null, exitStatus: null });
    return index;
  }

  running(index: number): Command | null {
    return this.#running.get(index) ?? null;
  }

  /** Does nothing to one that has ended. */
  change(index: number, change: Partial<NewCommand>): void {
    const command = this.#running.get(index);
    if (command === undefined) return;
    const text = commandText(change.text ?? command.text);
    this.#keep({ ...command, ...change, text });
  }

  end(index: number, end: number, exitStatus: number | null): void {
    const command = this.#running.get(index);
    if (command === undefined) return;
    this.#keep({ ...command, end: Math.max(end, command.start), exitStatus });
    this.#running.delete(index);
  }

  /** Lets go of one that goes on, without an end. */
  leave(index: number): void {
    this.#running.delete(index);
  }

  take(): readonly Command[] {
    const taken = [...this.#changed.values()].toSorted((a, b) => a.index - b.index);
    this.#changed.clear();
    return taken;
  }

  state(): LedgerState {
    return {
      next: this.#next,
      running: [...this.#running.values()],
      changed: [...this.#changed.values()],
    };
  }

  #keep(command: Command): void {
    this.#running.set(command.index, command);
    this.#changed.set(command.index, command);
  }
}
