import { isDeepStrictEqual } from 'node:util';
import type { Machine, NewMachine } from '../domain/machine.ts';
import { refuse } from './errors.ts';

/** What a service's machine has from its stack, as the API calls it. */
const STACK_FIELDS = {
  name: 'name',
  kind: 'kind',
  login: 'username',
  recording: 'recording',
  container: 'container',
} as const;

/**
 * Refuses a change of what the machine has from its stack: it changes with the stack alone, and the next
 * change of that would put it back.
 */
export function refuseStackFields(machine: Machine, wanted: Partial<NewMachine>): void {
  if ((machine.stackId ?? null) === null) return;
  for (const field of Object.keys(STACK_FIELDS) as (keyof typeof STACK_FIELDS)[]) {
    if (wanted[field] === undefined || isDeepStrictEqual(wanted[field], machine[field])) continue;
    refuse(STACK_FIELDS[field], 'is as the stack of this machine says, and is changed there');
  }
}
