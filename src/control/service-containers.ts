import type { Container } from '../domain/container-engine.ts';
import type { CheckEntry } from '../domain/container-session.ts';
import { PosternError, sentence } from '../domain/errors.ts';
import type { Stack } from '../domain/stack.ts';
import { refusal } from './stack-actions.ts';
import type { StackServices } from './stack-services.ts';

/** The containers that sessions of services land in. */
export class ServiceContainers {
  readonly #services: StackServices;
  readonly #check: CheckEntry;

  constructor(services: StackServices, check: CheckEntry) {
    this.#services = services;
    this.#check = check;
  }

  /** The one for a session that is asked for now. Throws `stack.service` and `stack.not_created`. */
  async chosen(stack: Stack, service: string): Promise<Container> {
    const found = await creating(this.#services.best(stack, service));
    if (found !== null) return found;
    throw refusal('stack.service', 'stack.no_service', { stack: stack.name, service });
  }

  /** The same, once a program has begun in it as whom sessions run as. */
  async entered(stack: Stack, service: string): Promise<Container> {
    const container = await this.chosen(stack, service);
    const { engine, login } = stack;
    const machine = `${stack.name}.${service}`;
    const where = { machine, engine: engine ?? '', containerId: container.id, login };
    await creating(this.#check(where));
    return container;
  }
}

/** What of an engine or a container stands against a session, in the words of the family. */
async function creating<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const detail = error instanceof PosternError ? error.message : sentence('internal');
    throw new PosternError('stack.not_created', { detail }, { cause: error });
  }
}
