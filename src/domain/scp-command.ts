import type { Program } from './terminal.ts';

/** The call of scp's own other end, in its old protocol. */
export interface ScpCommand {
  /** `upload`: to the machine (`-t`); `download`: from it (`-f`). */
  readonly direction: 'upload' | 'download';
}

const FLAGS = /^-[dfprtv]+$/;

/**
 * A path in which no shell finds anything to do but to replace a `~`: a command line is the shell's
 * on the machine before it is scp's.
 */
const PATH = /^[A-Za-z0-9_./~@:,+=][A-Za-z0-9_./~@:,+=-]*$/;

/**
 * Reads a command as scp's, so strictly that nothing else can hide in it: `scp`, flags of scp's far
 * end with one of `-t` and `-f`, perhaps `--`, then paths without anything that a shell may read. Null:
 * it is anything else, also what is scp's with a path that would have to be quoted.
 */
export function scpCommand(program: Program): ScpCommand | null {
  if (program.type !== 'exec' || program.bytes !== undefined) return null;
  const [name, ...words] = program.command.split(' ');
  if (name !== 'scp') return null;
  const first = words.findIndex((word) => !FLAGS.test(word));
  if (first === -1) return null;
  const flags = words.slice(0, first).join('');
  const paths = words.slice(words[first] === '--' ? first + 1 : first);
  if (paths.length === 0 || !paths.every((path) => PATH.test(path))) return null;
  const upload = flags.includes('t');
  if (upload === flags.includes('f') || (upload && paths.length > 1)) return null;
  return { direction: upload ? 'upload' : 'download' };
}
