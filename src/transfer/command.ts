import type { Program } from '../domain/terminal.ts';

/** What a program says about the files that it carries. */
export type TransferProgram =
  | { readonly protocol: 'sftp' }
  | {
      readonly protocol: 'scp';
      readonly direction: 'upload' | 'download';
      readonly paths: readonly string[];
      /** The user said that the path is a directory (`-d`). */
      readonly directory: boolean;
    }
  | {
      readonly protocol: 'rsync';
      readonly direction: 'upload' | 'download';
      readonly paths: readonly string[];
    };

const MOST_WORDS = 256;

/** The words of a command as a shell would split it; null when it has more to it than words. */
function words(command: string): string[] | null {
  const found: string[] = [];
  const pattern = /\s+|((?:[^\s'"\\;&|<>()`$]|\\.|'[^']*'|"(?:[^"\\`$]|\\.)*")+)/gsy;
  let at = 0;
  while (at < command.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(command);
    if (match === null || found.length >= MOST_WORDS) return null;
    at = pattern.lastIndex;
    if (match[1] !== undefined) found.push(unquoted(match[1]));
  }
  return found;
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  );
}

/** Null: no transfer, or one in a form that cannot be read from here. Decides nothing about access. */
export function transferProgram(program: Program): TransferProgram | null {
  if (program.type === 'subsystem') return program.name === 'sftp' ? { protocol: 'sftp' } : null;
  return program.type === 'exec' ? transferCommand(program.command) : null;
}

function transferCommand(command: string): TransferProgram | null {
  const [first = '', ...others] = words(command) ?? [];
  const sudo = first === 'sudo' && others.length > 0;
  const [program = '', ...args] = sudo ? others : [first, ...others];
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (name === 'sftp-server') return { protocol: 'sftp' };
  if (name === 'scp') return scp(args);
  if (name === 'rsync' && args[0] === '--server') return rsync(args.slice(1));
  return null;
}

/** OpenSSH's own call: flags, perhaps `--`, paths. */
function scp(args: readonly string[]): TransferProgram | null {
  const first = args.findIndex((arg) => !arg.startsWith('-') || arg === '--');
  const from = first === -1 ? args.length : first;
  const flags = args
    .slice(0, from)
    .map((arg) => arg.slice(1))
    .join('');
  const paths = args.slice(args[from] === '--' ? from + 1 : from);
  if (!/^[a-z12346]*$/i.test(flags) || flags.includes('t') === flags.includes('f')) return null;
  const direction = flags.includes('t') ? 'upload' : 'download';
  return { protocol: 'scp', direction, paths, directory: flags.includes('d') };
}

/** `rsync --server [--sender] -flags . PATH…` */
function rsync(args: readonly string[]): TransferProgram {
  const dot = args.indexOf('.');
  const paths = dot === -1 ? args.filter((arg) => !arg.startsWith('-')) : args.slice(dot + 1);
  const direction = args.includes('--sender') ? 'download' : 'upload';
  return { protocol: 'rsync', direction, paths };
}
