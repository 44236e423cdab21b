import { PosternError } from '../../src/domain/errors.ts';
import type { Store } from '../../src/domain/store.ts';

/** A store whose answers fail as a test wants; what it does in between is real. */
export interface Unreliable {
  readonly store: Store;
  /** Every call fails before it is made. */
  away: boolean;
  /** So many calls are made, and their answers are lost. */
  lost: number;
  /** `sessions.create`, `users.getByName`, …, in the order of the calls. */
  readonly calls: string[];
  /** What happens before the next call of a name is made. */
  readonly before: Map<string, () => Promise<unknown>>;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function unreliable(real: Store): Unreliable {
  const wrap = <T extends object>(target: T, path: string): T =>
    new Proxy(target, {
      get(_target, name) {
        const value: unknown = Reflect.get(target, name);
        const where = `${path}${String(name)}`;
        if (typeof value === 'function') {
          return (...args: unknown[]) => call(where, () => Reflect.apply(value, target, args));
        }
        return isPlain(value) ? wrap(value, `${where}.`) : value;
      },
    });
  const call = async (where: string, act: () => unknown): Promise<unknown> => {
    state.calls.push(where);
    const first = state.before.get(where);
    state.before.delete(where);
    await first?.();
    if (state.away) throw new PosternError('store.down');
    const answer = await act();
    if (state.lost === 0) return answer;
    state.lost -= 1;
    throw new PosternError('store.down');
  };
  const state: Unreliable = {
    store: wrap(real, ''),
    away: false,
    lost: 0,
    calls: [],
    before: new Map(),
  };
  return state;
}
