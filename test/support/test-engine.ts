import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { scratch } from './scratch.ts';

export interface TestContainer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'running' | 'exited';
  readonly health?: 'healthy' | 'unhealthy';
  /** Seconds since 1970. */
  readonly created?: number;
}

/**
 * Lists containers as a Docker Engine does (`GET /containers/json`), where what they are does not matter, and
 * tells who follows it what has changed.
 */
export interface TestEngine extends AsyncDisposable {
  /** As `engine:` of a stack. */
  readonly address: string;
  /** What it has. */
  containers: readonly TestContainer[];
  /** So many lists by label more are answered, the others when it goes on. */
  holdAfter(lists: number): void;
  goOn(): void;
  /** Nobody reaches it any more, and who follows it hears the end. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  idOf(name: string): string;
}

/** The containers of a project's services, running, one each: `shop-web-1`. */
export function running(project: string, ...services: readonly string[]): TestContainer[] {
  return services.map((service) => ({
    name: `${project}-${service}-1`,
    state: 'running',
    labels: {
      'com.docker.compose.project': project,
      'com.docker.compose.service': service,
    },
  }));
}

/** When they were made, unless they say. */
const CREATED = 1_700_000_000;

export async function startTestEngine(): Promise<TestEngine> {
  const files = scratch();
  const socket = files.join('engine.sock');
  const ids = new Map<string, string>();
  const idOf = (name: string): string => {
    const id = ids.get(name) ?? randomBytes(32).toString('hex');
    ids.set(name, id);
    return id;
  };
  let containers: readonly TestContainer[] = [];
  let left = Number.POSITIVE_INFINITY;
  const waiting: (() => void)[] = [];

  const listed = (one: TestContainer) => ({
    Id: idOf(one.name),
    Names: [`/${one.name}`],
    Image: 'busybox',
    State: one.state,
    Status: one.health === undefined ? 'Up 2 hours' : `Up 2 hours (${one.health})`,
    Created: one.created ?? CREATED,
    Labels: one.labels,
  });
  const inspected = (one: TestContainer) => ({
    ...{ Id: idOf(one.name), Name: `/${one.name}` },
    Created: new Date((one.created ?? CREATED) * 1000).toISOString(),
    State: { Status: one.state, Health: { Status: one.health ?? 'none' } },
    Config: { Image: 'busybox', Labels: one.labels },
  });
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://engine');
    const filters: { label?: string[] } = JSON.parse(url.searchParams.get('filters') ?? '{}');
    const wanted = (filters.label ?? []).map((one) => one.split('='));
    const found = containers
      .filter(({ labels }) => wanted.every(([key = '', value]) => labels[key] === value))
      .filter(({ state }) => state === 'running' || url.searchParams.get('all') === 'true')
      .map(listed);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(found));
  };
  const followers = new Set<ServerResponse>();
  /** What is asked by who follows; null: something else is. */
  const followed = (request: IncomingMessage, response: ServerResponse): object | null => {
    const path = request.url ?? '/';
    if (path.startsWith('/events')) {
      response.setHeader('content-type', 'application/json');
      response.flushHeaders();
      followers.add(response);
      response.once('close', () => followers.delete(response));
      return {};
    }
    const [, id] = /^\/containers\/([0-9a-f]{64})\/json/.exec(path) ?? [];
    if (id === undefined) return null;
    const one = containers.find(({ name }) => idOf(name) === id);
    response.setHeader('content-type', 'application/json');
    response.statusCode = one === undefined ? 404 : 200;
    return response.end(JSON.stringify(one === undefined ? { message: 'none' } : inspected(one)));
  };
  const server = createServer((request, response) => {
    if (followed(request, response) !== null) return;
    const isByLabel = request.url?.includes('label%22%3A%5B%22') === true;
    if (isByLabel) left -= 1;
    if (!isByLabel || left >= 0) answer(request, response);
    else waiting.push(() => answer(request, response));
  });
  server.listen(socket);
  await once(server, 'listening');
  const goAway = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    address: `unix://${socket}`,
    get containers() {
      return containers;
    },
    set containers(now) {
      const names = [...containers, ...now].map(({ name }) => name);
      containers = now;
      for (const id of new Set(names.map(idOf))) {
        for (const one of followers) one.write(`${JSON.stringify({ Actor: { ID: id } })}\n`);
      }
    },
    holdAfter(lists) {
      left = lists;
    },
    goOn() {
      left = Number.POSITIVE_INFINITY;
      for (const one of waiting.splice(0)) one();
    },
    goAway,
    async comeBack() {
      server.listen(socket);
      await once(server, 'listening');
    },
    idOf,
    async [Symbol.asyncDispose]() {
      if (server.listening) await goAway();
      files[Symbol.dispose]();
    },
  };
}
