import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { spawn } from '@lydell/node-pty';

/** What somebody did, as who drove the session knows it. Seconds after the recording's start. */
export interface TruthCommand {
  readonly text: string;
  readonly start: number;
  end: number | null;
  readonly exit: number | null;
  readonly cwd: string | null;
}

export interface Scenario {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cols?: number;
  readonly rows?: number;
  /** What the screen's last line looks like when a shell waits. */
  readonly prompt?: RegExp;
  /** Typed blind: must be in nothing that is derived. */
  readonly secrets?: readonly string[];
  readonly drive: (stage: Stage) => Promise<void>;
}

export const HOME = '/home/alice';

/** Of one key that a person types, in milliseconds. */
const KEY_MS = 12;
const DEADLINE_MS = 15_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78])/g;

/** What a command is known to do. */
interface Known {
  /** As the shell takes it, where that is not what was typed. */
  readonly text?: string;
  readonly exit?: number;
  readonly cwd?: string;
  /** Instead of the shell's prompt. */
  readonly until?: RegExp;
}

/** A program on a terminal, driven and recorded. */
export class Stage {
  readonly truth: TruthCommand[] = [];
  readonly #scenario: Scenario;
  readonly #pty: ReturnType<typeof spawn>;
  readonly #began = performance.now();
  readonly #events: [number, string, string][] = [];
  #tail = '';
  #last = 0;
  #ended = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const [file, ...args] = scenario.argv;
    this.#pty = spawn(file, args, {
      name: 'xterm-256color',
      cols: scenario.cols ?? 80,
      rows: scenario.rows ?? 24,
      cwd: HOME,
      env: {
        HOME,
        PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
        LANG: 'C.UTF-8',
        TERM: 'xterm-256color',
        USER: 'alice',
        HISTFILE: '/dev/null',
        ...scenario.env,
      },
    });
    this.#pty.onData((data) => {
      this.#last = this.#now();
      this.#events.push([this.#last, 'o', data]);
      this.#tail = `${this.#tail}${data}`.slice(-8000);
    });
    this.#pty.onExit(({ exitCode }) => {
      this.#ended = true;
      this.#events.push([this.#now(), 'x', String(exitCode)]);
    });
  }

  #now(): number {
    return Math.round((performance.now() - this.#began) * 1000) / 1_000_000;
  }

  /** The last line, without escape sequences. */
  #line(): string {
    const text = this.#tail.replaceAll(ESCAPES, '').replace(/\r+\n/g, '\n');
    const last = text.slice(text.lastIndexOf('\n') + 1);
    return last.replace(/\r+$/, '').replace(/^.*\r/, '');
  }

  /** Until a prompt, or what is looked for, is there and nothing more comes. */
  async see(wanted: RegExp = this.#scenario.prompt ?? /[$#%>] $/): Promise<void> {
    const until = performance.now() + DEADLINE_MS;
    for (;;) {
      const quiet = this.#now() - this.#last > 0.12;
      if (this.#ended) return;
      const text = this.#tail.replaceAll(ESCAPES, '');
      if (quiet && (wanted.test(this.#line()) || (wanted.flags.includes('m') && wanted.test(text))))
        return;
      if (performance.now() > until) {
        throw new Error(
          `${this.#scenario.name}: no ${wanted} in ${JSON.stringify(text.slice(-300))}`,
        );
      }
      await pause(15);
    }
  }

  /** As a person does. */
  async type(text: string): Promise<void> {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what cursor keys send is one key
    for (const [key] of text.matchAll(/\x1b\[[A-Z]|./gsu)) {
      this.#pty.write(key);
      await pause(KEY_MS);
    }
  }

  /** At once. */
  async send(text: string): Promise<void> {
    this.#forget();
    this.#pty.write(text);
    await pause(60);
  }

  /** What was seen before does not count any more. */
  #forget(): void {
    this.#tail = '';
    this.#last = this.#now();
  }

  /** Enter, on a line that is there; waits for the prompt. */
  async enter(text: string, known: Known = {}): Promise<void> {
    await pause(60);
    this.did(known.text ?? text, known);
    this.#forget();
    this.#pty.write('\r');
    await pause(30);
    await this.see(known.until);
    this.#back();
  }

  async run(text: string, known: Known = {}): Promise<void> {
    await this.type(text);
    await this.enter(text, known);
  }

  /** A command begins now. */
  did(text: string, { exit, cwd }: Known = {}): void {
    this.truth.push({ text, start: this.#now(), end: null, exit: exit ?? null, cwd: cwd ?? null });
  }

  #back(): void {
    const last = this.truth.at(-1);
    if (last !== undefined) last.end = this.#last;
  }

  /** Keys that a program other than a shell takes; until it shows something, and is quiet. */
  async keys(text: string, until: RegExp = /[\s\S]/m): Promise<void> {
    this.#forget();
    this.#pty.write(text);
    await pause(60);
    await this.see(until);
  }

  /** Blind: without an echo nothing can be waited for. */
  async blind(text: string): Promise<void> {
    await this.type(text);
    this.#forget();
    this.#pty.write('\r');
    await pause(60);
  }

  async resize(cols: number, rows: number): Promise<void> {
    this.#events.push([this.#now(), 'r', `${cols}x${rows}`]);
    this.#pty.resize(cols, rows);
    await pause(150);
  }

  async wait(ms: number): Promise<void> {
    await pause(ms);
  }

  async finish(last: string): Promise<void> {
    await this.type(last);
    await pause(60);
    if (last !== '\x04') {
      this.did(last);
      this.#pty.write('\r');
    }
    const until = performance.now() + DEADLINE_MS;
    while (!this.#ended && performance.now() < until) await pause(20);
    if (!this.#ended) throw new Error(`${this.#scenario.name} does not end`);
    await pause(50);
  }

  kill(): void {
    if (!this.#ended) this.#pty.kill('SIGKILL');
  }

  /** `NAME.cast.gz`, and `NAME.json` with the truth. */
  write(directory: string): void {
    const { name, cols = 80, rows = 24, secrets = [] } = this.#scenario;
    const header = { version: 3, term: { cols, rows, type: 'xterm-256color' } };
    let before = 0;
    const lines = this.#events.map(([at, code, data]) => {
      const since = Math.round((at - before) * 1_000_000) / 1_000_000;
      before += since;
      return JSON.stringify([since, code, data]);
    });
    const text = `${[JSON.stringify(header), ...lines].join('\n')}\n`;
    writeFileSync(join(directory, `${name}.cast.gz`), gzipSync(text, { level: 9 }));
    const truth = { commands: this.truth, secrets };
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(truth, null, 1)}\n`);
  }
}
