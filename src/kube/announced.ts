import type { PodExecRequest } from '../domain/cluster.ts';

/**
 * Kubernetes gives a program no variables, and does not say when it begins. A shell does both, and
 * becomes the program: `$1` is how many variables follow, each `NAME=VALUE`, and then the program.
 */
const SCRIPT = `
left=$1
shift
while [ "$left" -gt 0 ]; do
  export "$1"
  shift
  left=$((left - 1))
done
printf .
exec "$@"
`;

/** The command that begins a program with its variables, after one byte of output. */
export function announced(
  shell: string,
  { command, env }: Pick<PodExecRequest, 'command' | 'env'>,
): readonly string[] {
  const variables = env.map(([name, value]) => `${name}=${value}`);
  return [shell, '-c', SCRIPT, shell, String(variables.length), ...variables, ...command];
}
