import { exitOf } from './exit.ts';

/** What a shell says of itself (FinalTerm's OSC 133, VS Code's OSC 633, and where it is). */
export type Mark =
  | { readonly type: 'prompt'; readonly family: MarkFamily; readonly isSecondary: boolean }
  | { readonly type: 'input'; readonly family: MarkFamily }
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'begin'; readonly family: MarkFamily; readonly text: string | null }
  | { readonly type: 'end'; readonly family: MarkFamily; readonly status: number | null }
  | { readonly type: 'cwd'; readonly path: string };

export type MarkFamily = 'osc133' | 'osc633';

/** UTF-16 units of a path. */
const LONGEST_PATH = 4096;

/** `\xHH` is a character, `\\` a backslash (VS Code's shell integration). */
function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_, hex?: string, plain?: string) =>
    hex === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** What bash's `printf %q` makes of a text, as far as it is plain; else null. */
function unquoted(text: string): string | null {
  const ansi = /^\$'(.*)'$/s.exec(text);
  if (ansi === null) return text.replace(/\\(.)/gs, '$1');
  const body = ansi[1] ?? '';
  if (/\\[^nt\\'"]/.test(body)) return null;
  return body.replace(/\\(.)/g, (_, one: string) =>
    one === 'n' ? '\n' : one === 't' ? '\t' : one,
  );
}

/** The command that a `C` names: kitty's `cmdline`, fish's `cmdline_url`. */
function lineOf(options: readonly string[]): string | null {
  for (const option of options) {
    const at = option.indexOf('=');
    const [name, value] = [option.slice(0, at), option.slice(at + 1)];
    if (name === 'cmdline_url') return decoded(value);
    if (name === 'cmdline') return unquoted(value);
  }
  return null;
}

function step(family: MarkFamily, text: string): Mark | null {
  const [what = '', ...rest] = text.split(';');
  switch (what) {
    case 'A':
      return { type: 'prompt', family, isSecondary: rest.includes('k=s') };
    case 'B':
      return { type: 'input', family };
    case 'C':
      return { type: 'begin', family, text: lineOf(rest) };
    case 'D':
      return { type: 'end', family, status: exitOf(rest[0] ?? '') };
    case 'E':
      return family === 'osc633' ? { type: 'line', text: unescaped(rest[0] ?? '') } : null;
    case 'P': {
      const cwd = /^Cwd=(.+)$/s.exec(rest.join(';'))?.[1];
      return family === 'osc633' && cwd !== undefined ? place(unescaped(cwd)) : null;
    }
    default:
      return null;
  }
}

function place(path: string | null): Mark | null {
  if (path === null || path === '' || path.length > LONGEST_PATH) return null;
  return { type: 'cwd', path: path.replace(/\p{Cc}/gu, '') };
}

/** The text of an operating system command; null: none of these. */
export function markOf(text: string): Mark | null {
  if (text.startsWith('133;')) return step('osc133', text.slice(4));
  if (text.startsWith('633;')) return step('osc633', text.slice(4));
  const url = /^7;file:\/\/[^/]*(\/.*)$/s.exec(text)?.[1];
  if (url !== undefined) return place(decoded(url));
  const directory = /^1337;CurrentDir=(.+)$/s.exec(text)?.[1];
  return directory === undefined ? null : place(directory);
}
