import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ContainerEngine } from '../../src/domain/container-engine.ts';
import { Engines } from '../../src/engine/engine.ts';
import type { TestDocker } from './docker.ts';
import { serveExec } from './kubernetes-exec.ts';
import { type Scratch, scratch } from './scratch.ts';
import { certificates } from './tls-files.ts';

/** The token of its user `postern`. */
export const TOKEN = 'a-token-of-a-service-account';

export interface TestPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** By name: which container of the engine it is; null: none was ever begun. */
  readonly containers: Readonly<Record<string, string | null>>;
  /** Seconds since 1970. */
  readonly created?: number;
  /** False: its probe says that it is not ready. */
  readonly ready?: boolean;
  readonly leaving?: boolean;
  /** It was evicted, or its programs have ended: nothing of it runs any more. */
  readonly failed?: boolean;
}

type Verb = 'get pods' | 'list pods' | 'create pods/exec';

interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/**
 * An API server with pods and `pods/exec`, over TLS, as far as a client of those can tell it from a real
 * one; its containers are a real engine's. Answers of Kubernetes 1.33.
 */
export class TestKubernetes implements AsyncDisposable {
  readonly #files: Scratch = scratch();
  readonly #engine: ContainerEngine;
  #server: Server | null = null;
  readonly pods = new Map<string, TestPod>();
  /** What its roles do not allow. */
  readonly forbidden = new Set<Verb>();
  /** Users that have come, by the names that it knows them by. */
  readonly seen = new Set<string>();
  /** The newest subprotocol that it speaks. */
  newest: 'v4' | 'v5' = 'v5';

  constructor(docker: TestDocker) {
    this.#engine = new Engines({ certificates: null }).at(docker.address);
  }

  async start(): Promise<void> {
    await certificates(this.#files);
    const read = (name: string): string => readFileSync(this.#files.join(name), 'utf8');
    const server = createServer({
      ...{ cert: read('server.pem'), key: read('server-key.pem'), ca: read('ca.pem') },
      ...{ requestCert: true, rejectUnauthorized: false },
      // Go's limit; Node's own is 16 KB.
      maxHeaderSize: 1024 * 1024,
    });
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head).catch(() => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  get url(): string {
    const address = this.#server?.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return `https://127.0.0.1:${port}`;
  }

  get ca(): string {
    return readFileSync(this.#files.join('ca.pem'), 'utf8');
  }

  /** A kubeconfig with the contexts `token` and `certificate`, and those that are given as YAML. */
  kubeconfig(more: { contexts?: string; clusters?: string; users?: string } = {}): string {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const file = this.#files.join('kubeconfig');
    writeFileSync(
      file,
      `apiVersion: v1
kind: Config
clusters:
- name: here
  cluster: { server: "${this.url}", certificate-authority-data: ${base64(this.ca)} }
${more.clusters ?? ''}
users:
- name: robot
  user: { token: ${TOKEN} }
- name: holder
  user: { client-certificate: certs/cert.pem, client-key: certs/key.pem }
${more.users ?? ''}
contexts:
- name: token
  context: { cluster: here, user: robot }
- name: certificate
  context: { cluster: here, user: holder }
${more.contexts ?? ''}
current-context: nobody
`,
      { mode: 0o600 },
    );
    return file;
  }

  add(pod: TestPod): void {
    this.pods.set(`${pod.namespace}/${pod.name}`, pod);
  }

  change(name: string, what: Partial<TestPod>): void {
    const pod = this.pods.get(name);
    if (pod !== undefined) this.pods.set(name, { ...pod, ...what });
  }

  #userOf(request: IncomingMessage): string | null {
    if (request.headers.authorization === `Bearer ${TOKEN}`) return 'postern';
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
    return String(socket.getPeerCertificate().subject.CN);
  }

  #refusal(request: IncomingMessage, verb: Verb, namespace: string, name: string): Refusal | null {
    const user = this.#userOf(request);
    if (user === null) return { code: 401, reason: 'Unauthorized', message: 'Unauthorized' };
    this.seen.add(user);
    if (!this.forbidden.has(verb)) return null;
    const [does, resource] = verb.split(' ');
    const which = name === '' ? 'pods is' : `pods "${name}" is`;
    return {
      code: 403,
      reason: 'Forbidden',
      message: `${which} forbidden: User "${user}" cannot ${does} resource "${resource}" in API group "" in the namespace "${namespace}"`,
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const [, namespace = '', name = ''] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const say = (code: number, body: object): void => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const verb = name === '' ? 'list pods' : 'get pods';
    const refusal = this.#refusal(request, verb, namespace, name);
    if (refusal !== null) return say(refusal.code, statusOf(refusal));
    if (name === '') {
      const items = await this.#list(namespace, searchParams);
      return say(200, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
    }
    const pod = this.pods.get(`${namespace}/${name}`);
    if (pod === undefined) return say(404, statusOf(notFound(name)));
    say(200, await this.#view(pod));
  }

  /** By name, as they are kept, and no more than were asked for. */
  async #list(namespace: string, query: URLSearchParams): Promise<readonly object[]> {
    const wanted = (query.get('labelSelector') ?? '').split(',').map((one) => one.split('='));
    const found = [...this.pods.values()].filter(
      (pod) =>
        pod.namespace === namespace &&
        wanted.every(([key = '', value]) => pod.labels?.[key] === value),
    );
    const views = await Promise.all(found.map((pod) => this.#view(pod)));
    const [, phase] = /^status\.phase=(\w+)$/.exec(query.get('fieldSelector') ?? '') ?? [];
    return views
      .filter(({ status }) => phase === undefined || status.phase === phase)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .slice(0, Number(query.get('limit') ?? views.length));
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    const { pathname, searchParams: query } = new URL(request.url ?? '/', this.url);
    const [, namespace = '', name = ''] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/.exec(pathname) ?? [];
    const pod = this.pods.get(`${namespace}/${name}`);
    const container = query.get('container') ?? '';
    const refusal =
      this.#refusal(request, 'create pods/exec', namespace, name) ??
      (pod === undefined ? notFound(name) : null) ??
      (pod !== undefined && !Object.hasOwn(pod.containers, container)
        ? badRequest(`container ${container} is not valid for pod ${name}`)
        : null);
    if (refusal !== null) {
      const body = JSON.stringify(statusOf(refusal));
      socket.end(
        `HTTP/1.1 ${refusal.code} ${refusal.reason}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    const runs = pod?.containers[container] ?? null;
    const found = runs === null ? null : await this.#engine.find(runs);
    serveExec(request, socket, head, {
      ...{ engine: this.#engine, name: container, query, newest: this.newest },
      container: found?.state === 'running' ? found.id : null,
    });
  }

  async #view(pod: TestPod) {
    const statuses = await Promise.all(
      Object.entries(pod.containers).map(([name, runs]) => this.#container(name, runs)),
    );
    const runs = statuses.every(({ state }) => 'running' in state);
    const phase = pod.failed === true ? 'Failed' : runs ? 'Running' : 'Pending';
    return {
      ...{ kind: 'Pod', apiVersion: 'v1' },
      metadata: {
        ...{ name: pod.name, namespace: pod.namespace, uid: `uid-${pod.created ?? 0}-${pod.name}` },
        ...{ labels: pod.labels ?? {}, annotations: pod.annotations ?? {} },
        creationTimestamp: new Date((pod.created ?? 0) * 1000).toISOString(),
        ...(pod.leaving === true && { deletionTimestamp: new Date().toISOString() }),
      },
      spec: { containers: Object.keys(pod.containers).map((name) => ({ name, image: 'any' })) },
      status: {
        phase,
        conditions: [{ type: 'Ready', status: runs && pod.ready !== false ? 'True' : 'False' }],
        containerStatuses: statuses,
      },
    };
  }

  async #container(name: string, runs: string | null) {
    const found = runs === null ? null : await this.#engine.find(runs);
    const base = { name, image: 'any', imageID: '', restartCount: 0, ready: true };
    if (found === null) return { ...base, state: { waiting: { reason: 'ImagePullBackOff' } } };
    const started = found.startedAt?.toISOString() ?? '';
    // A kubelet makes a new container where an engine starts the same one again.
    const containerID = `docker://${found.id}-${started}`;
    if (found.state === 'running') {
      return { ...base, containerID, state: { running: { startedAt: started } } };
    }
    return { ...base, containerID, state: { terminated: { exitCode: 137, reason: 'Error' } } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (server !== null) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
    this.#files[Symbol.dispose]();
  }
}

export async function startKubernetes(docker: TestDocker): Promise<TestKubernetes> {
  const cluster = new TestKubernetes(docker);
  await cluster.start();
  return cluster;
}

const notFound = (name: string): Refusal => ({
  ...{ code: 404, reason: 'NotFound', message: `pods "${name}" not found` },
});
const badRequest = (message: string): Refusal => ({ code: 400, reason: 'BadRequest', message });

function statusOf({ code, reason, message }: Refusal): object {
  const base = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  return { ...base, message, reason, details: { kind: 'pods' }, code };
}
