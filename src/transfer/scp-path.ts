import type { TransferProgram } from './command.ts';

const MOST_PATH = 4096;

/**
 * Where a file of scp's lies on the machine: `above` is the directory that was entered. At the top
 * only the machine knows whether the path of the command is a directory.
 */
export function scpPath(
  program: Extract<TransferProgram, { protocol: 'scp' }>,
  above: string | undefined,
  name: string,
): string {
  if (above !== undefined) return `${above}/${name}`.slice(-MOST_PATH);
  const { paths, directory, direction } = program;
  const [path = '', ...others] = paths;
  if (direction === 'upload') {
    const inside = directory || /(^|\/)\.{0,2}$/.test(path);
    return inside ? `${path.replace(/\/$/, '')}/${name}` : path;
  }
  if (others.length > 0) return paths.find((one) => one.split('/').at(-1) === name) ?? name;
  return path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/${name}` : name;
}
