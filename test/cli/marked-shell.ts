import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Part, the } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { Screen } from '../support/screen.ts';
import { command } from './capture.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Marked = (typeof SHELLS)[number] & Part;

/** What is printed for a shell. */
export async function script(shell: Marked): Promise<string> {
  const { status, stdout } = await command(['shell-integration', shell]);
  expect(status).toBe(0);
  return stdout;
}

/** Marks of OSC 133 and 7 in what was written, without their frames; A and B left out. */
function marksIn(raw: string): string[] {
  return raw
    .split('\x1b]')
    .filter((part) => /^(?:133|7);/.test(part))
    .map((part) => part.slice(0, part.indexOf('\x07')));
}

/** A shell under a terminal, with the script in its own start-up file. */
export class MarkedShell implements AsyncDisposable {
  readonly screen: Screen;
  readonly #home: Scratch;
  #prompts = 0;

  constructor(home: Scratch, file: string, args: readonly string[], env: Record<string, string>) {
    this.#home = home;
    const path = realpathSync(home.path);
    this.screen = new Screen(file, args, { cwd: path, env: { HOME: path, ...env }, cols: 100 });
  }

  /** `before` and `after` are lines of the start-up file around the script. */
  static async start(
    shell: Marked,
    { before = '', after = '', term = 'xterm-256color' } = {},
  ): Promise<MarkedShell> {
    const home = scratch();
    const lines = `${before}\n${await script(shell)}\n${after}\n`;
    const env = { TERM: term, ZDOTDIR: home.path, XDG_CONFIG_HOME: home.path };
    if (shell === 'bash') {
      writeFileSync(home.join('rc'), `PS1='p> '\n${lines}`);
      return new MarkedShell(home, the('bash'), ['--rcfile', home.join('rc'), '-i'], env);
    }
    if (shell === 'zsh') {
      writeFileSync(home.join('.zshrc'), `PS1='p> '\n${lines}`);
      return new MarkedShell(home, the('zsh'), ['-d', '-i'], env);
    }
    mkdirSync(home.join('fish'));
    const prompt = "set -g fish_greeting ''\nfunction fish_prompt; echo -n 'p> '; end";
    writeFileSync(home.join('fish', 'config.fish'), `${prompt}\n${lines}`);
    return new MarkedShell(home, the('fish'), ['-i'], env);
  }

  /** Until the next prompt has been shown. */
  async prompt(): Promise<void> {
    this.#prompts += 1;
    const count = (): number => marksIn(this.screen.raw).filter((mark) => mark === '133;B').length;
    await this.screen.until('the next prompt', () => count() >= this.#prompts);
    // Shells draw a prompt more than once.
    this.#prompts = count();
  }

  /** Types a line and waits for the prompt behind it. */
  async line(text: string): Promise<void> {
    this.screen.type(`${text}\r`);
    await this.prompt();
  }

  /**
   * Ctrl-C, until it has done what `happened` waits for: while a shell changes the terminal's modes, or
   * before a program has the terminal, one is lost.
   */
  async interrupt(happened: () => Promise<void>): Promise<void> {
    const again = setInterval(() => this.screen.type('\x03'), 200);
    try {
      await happened();
    } finally {
      clearInterval(again);
    }
  }

  /** What ran and how it ended, and where a prompt was. */
  get marks(): string[] {
    return marksIn(this.screen.raw);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.screen[Symbol.asyncDispose]();
    this.#home[Symbol.dispose]();
  }
}

/** `C` and `D;status` alone: what ran, in the order in which it did. */
export function runs(marks: readonly string[]): string[] {
  return marks
    .filter((mark) => /^133;[CD]/.test(mark))
    .map((mark) => mark.replace(/^133;(C|D;\d+).*$/s, '$1'));
}

export function places(marks: readonly string[]): string[] {
  return marks.filter((mark) => mark.startsWith('7;'));
}
