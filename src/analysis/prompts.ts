/**
 * What waits for a line: a shell; a shell that wants the rest of a command; another program with a line
 * editor; or nobody knows who, such as a question.
 */
export type Waiting = 'shell' | 'more' | 'other' | 'question';

/** Prompts of programs that are no shells: Python, IPython, psql, mysql, sqlite, gdb, irb and so on. */
const OTHERS = [
  /^>>> $/,
  /^\.\.\. $/,
  /^(?:In|Out) ?\[\d+\]: $/,
  /^ *\.\.\.: $/,
  /^[\w-]+[=\-'"(*!^$][*!?]?[#>] $/,
  /^ *->\s*$/,
  /^(?:mysql|MariaDB|sqlite|sftp|ftp|lftp|telnet|redis|node|irb|gdb|Pdb|ipdb)\b.*[>)] $/,
  /^ *(?:\.\.\.|…)>? $/,
  /^\((?:gdb|Pdb|lldb)\) $/i,
];

/** Of zsh, the names of what is open stand before it. */
const MORE = /^(?:> |(?:[a-z]+ ){0,5}[a-z]+> |(?:\.\.\.)+ ?)$/;

const SIGIL = /[$#%❯➜λ»»→]\s*$/;
const ARROW = />\s*$/;

/** Prompts of shells that are remembered. */
const MOST = 24;

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Prompts that differ in where one is. */
function shapeOf(prompt: string): RegExp | null {
  const sigil = /[^\w\s]\s*$/.exec(prompt);
  if (sigil === null) return null;
  const before = prompt.slice(0, sigil.index);
  const head = /^[^:~/\s]*/.exec(before)?.[0] ?? '';
  if (head === before) return null;
  const middle = head === '' ? `[^\\s]{0,200}?\\s?` : `[:~/\\s\\]].{0,200}?`;
  return new RegExp(`^${escaped(head)}${middle}${escaped(sigil[0])}`, 'u');
}

/** The prompts of a recording's shells, as they were seen. */
export class Prompts {
  /** The newest first. */
  #known: string[];
  /** Of the known ones; made when they are wanted. */
  readonly #shapes = new Map<string, RegExp | null>();

  constructor(known: readonly string[]) {
    this.#known = [...known];
  }

  state(): readonly string[] {
    return this.#known;
  }

  learn(prompt: string): void {
    if (prompt.trim() === '') return;
    this.#known = [prompt, ...this.#known.filter((one) => one !== prompt)].slice(0, MOST);
  }

  /** `edited`: a line editor has it. `more`: a command was taken just before, and nothing came since. */
  classify(prompt: string, { edited, more }: { edited: boolean; more: boolean }): Waiting {
    if (more && MORE.test(prompt) && this.#known[0] !== prompt) return 'more';
    if (this.#known.includes(prompt)) return 'shell';
    if (OTHERS.some((one) => one.test(prompt))) return 'other';
    if (prompt.trim() === '') return edited ? 'other' : 'question';
    if (this.#known.length === 0 && (edited || SIGIL.test(prompt) || ARROW.test(prompt))) {
      return 'shell';
    }
    if (SIGIL.test(prompt)) return 'shell';
    if (ARROW.test(prompt) && /[@~/\]]/.test(prompt)) return 'shell';
    return edited ? 'other' : 'question';
  }

  /** The prompt that a line begins with, of those that are known. */
  exact(line: string): string | null {
    // Spaces at the end of a line are not kept on a screen.
    const padded = `${line} `;
    return this.#known.find((one) => padded.startsWith(one)) ?? null;
  }

  /** As `exact`, or like one of them. */
  at(line: string): string | null {
    const padded = `${line} `;
    const exact = this.exact(line);
    if (exact !== null) return exact;
    for (const one of this.#known) {
      const found = this.#shape(one)?.exec(padded)?.[0];
      if (found !== undefined) return found;
    }
    return null;
  }

  #shape(prompt: string): RegExp | null {
    const known = this.#shapes.get(prompt);
    if (known !== undefined) return known;
    if (this.#shapes.size >= 2 * MOST) this.#shapes.clear();
    const shape = shapeOf(prompt);
    this.#shapes.set(prompt, shape);
    return shape;
  }

  /** What may be a prompt at the beginning of a line that a line editor had. */
  guess(line: string): string | null {
    return /^[^$#%❯➜>]{0,100}[$#%❯➜>] /u.exec(`${line} `)?.[0] ?? null;
  }
}
