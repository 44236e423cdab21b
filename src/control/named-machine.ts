import type { Machine } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';

/** `shop.web.2`: the machine of a service, and one of its containers. */
const INDEXED = /^(.+)\.([1-9]\d{0,3})$/;

export interface NamedMachine {
  readonly machine: Machine;
  /** Which container of its service, from 1; null: whichever is best. */
  readonly index: number | null;
}

/** The machine of this name, else the service that it names a container of; null: neither. */
export async function namedMachine(
  machines: Pick<Stores['machines'], 'getByName'>,
  name: string,
): Promise<NamedMachine | null> {
  const machine = await machines.getByName(name);
  if (machine !== null) return { machine, index: null };
  const [, service, index] = INDEXED.exec(name) ?? [];
  const found = service === undefined ? null : await machines.getByName(service);
  return found === null || (found.service ?? null) === null
    ? null
    : { machine: found, index: Number(index) };
}
