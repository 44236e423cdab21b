import { expect } from 'vitest';
import type { Bastion } from './bastion.ts';
import { eventually } from './eventually.ts';

/** What the family of container sessions answers, as far as tests look at it. */
export interface Plain {
  readonly id: number;
  readonly status: string;
  readonly session_id?: number;
  readonly error?: string;
  readonly details?: string;
  readonly finished_at?: string | null;
  readonly container_name?: string;
  readonly connection_info: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password?: string;
  };
}

/** Container sessions over the API, as people ask for them, each with a token of their own. */
export class ContainerSessionClient {
  readonly #bastion: Bastion;
  readonly #tokens = new Map<string, string>();

  constructor(bastion: Bastion) {
    this.#bastion = bastion;
  }

  /** A new token of theirs, which is used from now on; its id. */
  async giveToken(user: string, scope = 'redeploy'): Promise<string> {
    const args = ['token', 'add', user, '--user', user, '--scope', scope, '--json'];
    const made = await this.#bastion.cli(...args);
    const { id, token } = JSON.parse(String(made.stdout)) as { id: string; token: string };
    this.#tokens.set(user, token);
    return id;
  }

  /** `path` below /v1/stacks unless it begins with a slash. */
  async answer(user: string, path: string, method = 'GET', body?: unknown) {
    const token = this.#tokens.get(user) ?? '';
    return await this.#bastion.api(path.startsWith('/') ? path : `stacks/${path}`, {
      ...{ token, method },
      ...(body === undefined ? {} : { body }),
    });
  }

  async ask(user: string, path: string, method = 'GET', body?: unknown): Promise<Plain> {
    return JSON.parse((await this.answer(user, path, method, body)).text) as Plain;
  }

  create(user: string, stack = 'shop', service = 'web'): Promise<Plain> {
    return this.ask(user, `${stack}/sessions`, 'POST', { service_name: service });
  }

  finished(user: string, stack: string, id: number): Promise<Plain> {
    return eventually(`action ${id} finishes`, async () => {
      const action = await this.ask(user, `${stack}/actions/${id}`);
      return action.finished_at === null ? null : action;
    });
  }

  /** A session of a service that is ready. */
  async ready(user: string, stack = 'shop', service = 'web'): Promise<Plain> {
    const made = await this.create(user, stack, service);
    const action = await this.finished(user, stack, made.id);
    expect(action).toMatchObject({ status: 'completed' });
    return await this.ask(user, `${stack}/sessions/fetch?session_id=${action.session_id}`);
  }

  stopped(user: string, id: number, stack = 'shop'): Promise<Plain> {
    return eventually('the session has stopped', async () => {
      const session = await this.ask(user, `${stack}/sessions/fetch?session_id=${id}`);
      return session.status === 'stopped' ? session : null;
    });
  }
}
