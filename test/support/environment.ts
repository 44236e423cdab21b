import { env } from 'node:process';

/** The environment of the test run: the one place where tests look at it. */
export const environment: ReadonlyMap<string, string | undefined> = new Map(Object.entries(env));

/** What every program that tests start needs, and nothing that would make it behave like at home. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'NODE_COMPILE_CACHE'];
  const base = kept.map((name) => [name, environment.get(name)] as const);
  return {
    ...Object.fromEntries(base.filter(([, value]) => value !== undefined)),
    LANG: 'C.UTF-8',
    ...more,
  };
}
