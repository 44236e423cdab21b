import type { ReachableMachine } from '../../../src/domain/control-plane.ts';

export function reachable(name: string, more: Partial<ReachableMachine> = {}): ReachableMachine {
  return { name, address: '10.0.0.1', tags: {}, lastUsedAt: null, ...more };
}

/** `m001` and so on, each with an address of its own. */
export function some(count: number, more: Partial<ReachableMachine> = {}): ReachableMachine[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    return reachable(`m${String(number).padStart(3, '0')}`, {
      address: `10.0.0.${number}`,
      ...more,
    });
  });
}
