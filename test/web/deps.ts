import { consoleActions } from '../../src/api/for-console.ts';
import { SecondFactor } from '../../src/control/second-factor.ts';
import type { RunningServices } from '../../src/domain/stack.ts';
import type { ConsoleDeps } from '../../src/web/deps.ts';
import type { Stage } from '../api/stage.ts';
import { ownGuesses } from '../support/guesses.ts';

/** The console over the API's stage, as app.ts puts them together. */
export function consoleDeps(
  { deps, store }: Pick<Stage, 'deps' | 'store'>,
  running: RunningServices = { of: () => null, subscribe: () => () => undefined },
): ConsoleDeps {
  const guesses = ownGuesses();
  const factors = new SecondFactor(store, guesses);
  return { ...deps, running, guesses, factors, ...consoleActions(deps) };
}
