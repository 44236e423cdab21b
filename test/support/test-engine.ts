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

/** Lists containers as a Docker Engine does (`GET /containers/json`), where what they are does not matter. */
export interface TestEngine extends AsyncDisposable {
  /** As `engine:` of a stack. */
  readonly address: string;
  /** What it has. */
  containers: readonly TestContainer[];
  /** So many lists more are answered, the others when it goes on. */
  holdAfter(lists: number): void;
  goOn(): void;
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

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://engine');
    const filters: { label?: string[] } = JSON.parse(url.searchParams.get('filters') ?? '{}');
    const wanted = (filters.label ?? []).map((one) => one.split('='));
    const found = containers
      .filter(({ labels }) => wanted.every(([key = '', value]) => labels[key] === value))
      .filter(({ state }) => state === 'running' || url.searchParams.get('all') === 'true')
      .map((one) => ({
        Id: idOf(one.name),
        Names: [`/${one.name}`],
        Image: 'busybox',
        State: one.state,
        Status: one.health === undefined ? 'Up 2 hours' : `Up 2 hours (${one.health})`,
        Created: one.created ?? 1_700_000_000,
        Labels: one.labels,
      }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(found));
  };
  const server = createServer((request, response) => {
    left -= 1;
    if (left >= 0) answer(request, response);
    else waiting.push(() => answer(request, response));
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    address: `unix://${socket}`,
    get containers() {
      return containers;
    },
    set containers(now) {
      containers = now;
    },
    holdAfter(lists) {
      left = lists;
    },
    goOn() {
      left = Number.POSITIVE_INFINITY;
      for (const one of waiting.splice(0)) one();
    },
    idOf,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      files[Symbol.dispose]();
    },
  };
}
