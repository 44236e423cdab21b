import { type FieldProblem, PosternError } from './errors.ts';
import type { Machine } from './machine.ts';

/** The most machines that a connection may go through. */
export const MAX_JUMPS = 8;

/** How a chain of machines cannot be: told of the machine at its end. */
type ChainProblem =
  | { readonly problem: 'missing'; readonly name: string }
  | { readonly problem: 'container'; readonly name: string }
  | { readonly problem: 'cycle'; readonly path: readonly string[] }
  | { readonly problem: 'long' };

/**
 * The machines that a connection to `machine` goes through, the one that is dialled first in front;
 * empty: it is dialled directly.
 */
export async function jumpsTo(
  machine: Pick<Machine, 'name' | 'jump'>,
  find: (name: string) => Promise<Machine | null>,
): Promise<readonly Machine[] | ChainProblem> {
  const jumps: Machine[] = [];
  let next = machine.jump;
  while (next !== null) {
    const path = [machine.name, ...jumps.map(({ name }) => name)];
    if (path.includes(next)) return { problem: 'cycle', path: [...path, next] };
    if (jumps.length === MAX_JUMPS) return { problem: 'long' };
    const jump = await find(next);
    if (jump === null) return { problem: 'missing', name: next };
    if (jump.kind !== 'ssh') return { problem: 'container', name: next };
    jumps.push(jump);
    next = jump.jump;
  }
  return jumps.toReversed();
}

function wordsOf(problem: ChainProblem): string {
  switch (problem.problem) {
    case 'missing':
      return `there is no machine ${problem.name}`;
    case 'container':
      return `${problem.name} is a container, and leads nowhere`;
    case 'cycle':
      return `leads back to a machine that it came from: ${problem.path.join(' -> ')}`;
    case 'long':
      return `leads through more than ${MAX_JUMPS} machines`;
    default:
      return problem satisfies never;
  }
}

/** What is wrong with the jump of a machine as it is about to be stored, for the field of it. */
export async function jumpProblems(
  machine: Pick<Machine, 'name' | 'jump'>,
  find: (name: string) => Promise<Machine | null>,
  field: string,
): Promise<readonly FieldProblem[]> {
  const found = await jumpsTo(machine, find);
  return 'problem' in found ? [{ field, message: wordsOf(found) }] : [];
}

/** As `jumpsTo`. Throws `machine.jump` when there is no such way. */
export async function requireJumps(
  machine: Pick<Machine, 'name' | 'jump'>,
  find: (name: string) => Promise<Machine | null>,
): Promise<readonly Machine[]> {
  const found = await jumpsTo(machine, find);
  if (!('problem' in found)) return found;
  throw new PosternError('machine.jump', { machine: machine.name, reason: wordsOf(found) });
}
