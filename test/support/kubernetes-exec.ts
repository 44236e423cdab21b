import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type {
  ContainerEngine,
  ContainerExec,
  ExecRequest,
} from '../../src/domain/container-engine.ts';

/**
 * `pods/exec` over WebSockets as an API server does it since Kubernetes 1.30: the subprotocol
 * v5.channel.k8s.io, translated to a kubelet (k8s.io/apiserver/pkg/util/proxy: streamtranslator.go,
 * websocket.go; k8s.io/kubelet/pkg/cri/streaming/remotecommand: exec.go). A real container runtime runs
 * the programs.
 */

/** What messages begin with, in v4 and v5. */
const Channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** Go copies in pieces of this size. */
const PIECE = 32 * 1024;

const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });

export interface ExecAsked {
  readonly engine: ContainerEngine;
  /** Of the container, as its runtime knows it; null: the kubelet finds none. */
  readonly container: string | null;
  /** The name in the pod. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** The newest subprotocol that is spoken. */
  readonly newest: 'v4' | 'v5';
}

/** Answers an upgrade that was authorised. */
export function serveExec(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  asked: ExecAsked,
): void {
  const wanted = (request.headers['sec-websocket-protocol'] ?? '').split(/, */);
  // An old one leaves it to its kubelet, which knows v4 and older ones; the newer one knows v5 alone.
  const spoken = asked.newest === 'v5' ? ['v5.channel.k8s.io'] : ['v4.channel.k8s.io'];
  if (!wanted.some((one) => spoken.includes(one))) {
    // golang.org/x/net/websocket: a handshake that is not liked has this status, and no word.
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    return;
  }
  server.handleUpgrade(request, socket, head, (ws) => {
    const run = new ServedExec(ws, asked);
    run.serve().catch(() => ws.terminate());
  });
}

class ServedExec {
  readonly #ws: WebSocket;
  readonly #asked: ExecAsked;
  readonly #knowsClose: boolean;
  readonly #terminal: boolean;
  #exec: ContainerExec | null = null;
  /** What has come before there is a program. */
  readonly #early: Buffer[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(ws: WebSocket, asked: ExecAsked) {
    this.#ws = ws;
    this.#asked = asked;
    this.#knowsClose = asked.newest === 'v5';
    this.#terminal = asked.query.get('tty') === 'true';
  }

  async serve(): Promise<void> {
    const ws = this.#ws;
    ws.on('error', () => undefined);
    ws.on('message', (data) => this.#hear(Buffer.isBuffer(data) ? data : Buffer.alloc(0)));
    // A client that goes takes nothing with it but the streams.
    ws.once('close', () => this.#exec?.close());
    // It says that there is a connection.
    await this.#send(Channel.stdout, Buffer.alloc(0));
    const status = await this.#run();
    await this.#send(Channel.status, Buffer.from(JSON.stringify(status)));
    ws.close(1000);
  }

  async #run(): Promise<object> {
    const { engine, container, name, query } = this.#asked;
    if (container === null) {
      return internal(`unable to upgrade connection: container not found ("${name}")`);
    }
    const request: ExecRequest = {
      ...{ container, command: query.getAll('command'), user: '', env: [] },
      terminal: this.#terminal ? { cols: 0, rows: 0, width: 0, height: 0 } : null,
    };
    try {
      const exec = await engine.exec(request);
      this.#exec = exec;
      for (const message of this.#early.splice(0)) this.#hear(message);
      const [code] = await Promise.all([
        exec.exited,
        this.#copy(exec.stdout, Channel.stdout),
        this.#copy(exec.stderr, Channel.stderr),
      ]);
      return endOf(code);
    } catch (error) {
      const reason = error instanceof Error ? error.message : '';
      return internal(
        `error executing command in container: failed to exec in container: failed to start exec: ${reason}`,
      );
    }
  }

  async #copy(from: NodeJS.ReadableStream, channel: number): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        await this.#send(channel, chunk.subarray(at, at + PIECE));
      }
    }
  }

  /** Settles when it is written: a slow client holds its program up. */
  #send(channel: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#ws.send(Buffer.concat([Buffer.of(channel), bytes]), () => resolve());
    });
  }

  /** One message after the other: what its program does not read holds up whatever comes after it. */
  #hear(message: Buffer): void {
    if (this.#exec === null) {
      this.#early.push(message);
      return;
    }
    const exec = this.#exec;
    this.#ws.pause();
    this.#last = this.#last.then(() => this.#pass(exec, message)).finally(() => this.#ws.resume());
  }

  async #pass(exec: ContainerExec, message: Buffer): Promise<void> {
    const bytes = message.subarray(1);
    if (message[0] === Channel.stdin && this.#asked.query.get('stdin') === 'true') {
      await new Promise<void>((resolve) => exec.stdin.write(bytes, () => resolve()));
    }
    if (message[0] === Channel.resize && this.#terminal) {
      const size: { Width: number; Height: number } = JSON.parse(bytes.toString());
      await exec.resize({ cols: size.Width, rows: size.Height, width: 0, height: 0 });
    }
    if (message[0] === Channel.close && this.#knowsClose && bytes[0] === Channel.stdin) {
      exec.stdin.end();
    }
  }
}

/** meta/v1 Status, as it is written to the error stream. */
function endOf(code: number | null): object {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code ?? 137}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code ?? 137) }] },
  };
}

function internal(message: string): object {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}
