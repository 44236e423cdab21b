import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { eventually, within } from './eventually.ts';
import type { SshClient } from './ssh-client.ts';

const GRANTED = ['-o', 'ExitOnForwardFailure=yes', '-o', 'RekeyLimit=4M'];

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

async function listening(server: Server, at: { port: number } | { path: string }) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen('path' in at ? at : { ...at, host: '127.0.0.1' }, resolve);
  await promise;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** Says everything back, and ends when its peer has. */
export function echo(at: { port: number } | { path: string } = { port: 0 }): Promise<Listening> {
  return listening(
    createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)),
    at,
  );
}

/** Reads to the end, and only then answers with the hash of what it read. */
export function digest(): Promise<Listening> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash('sha256');
    socket.on('data', (chunk) => hash.update(chunk));
    socket.once('end', () => socket.end(hash.digest('hex')));
  });
  return listening(server, { port: 0 });
}

export async function freePort(): Promise<number> {
  await using server = await echo();
  return server.port;
}

/** Sends `bytes`, half-closes, and reads to the end. */
export function exchange(at: number | string, bytes: Buffer): Promise<Buffer> {
  const socket = typeof at === 'string' ? dial({ path: at }) : dial(at, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.end(bytes);
  const ended = new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(chunks)));
  });
  return within('an exchange', ended, 30_000).finally(() => socket.destroy());
}

/** A SOCKS5 connection through `port`; null when it was refused. */
export async function throughSocks(port: number, host: string, to: number): Promise<Socket | null> {
  const socket = dial(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const answer = (length: number): Promise<Buffer> =>
    within(
      'an answer of SOCKS',
      eventually('bytes', () => (socket.readableLength >= length ? socket.read(length) : null)),
    );
  socket.write(Buffer.from([5, 1, 0]));
  await answer(2);
  const name = Buffer.from(host);
  const tail = Buffer.alloc(2);
  tail.writeUInt16BE(to);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, tail]));
  const gone = new Promise<null>((resolve) => socket.once('close', () => resolve(null)));
  const reply = await Promise.race([answer(10), gone]);
  if (reply !== null && reply[1] === 0) return socket;
  socket.destroy();
  return null;
}

/** `ssh -N` with forwards, once they listen. */
export class Tunnel implements AsyncDisposable {
  readonly #child: ChildProcess;
  errors = '';

  constructor(alice: SshClient, user: string, more: readonly string[]) {
    const args = ['-v', '-N', ...GRANTED, ...more];
    this.#child = alice.spawn(user, null, [...args, '-o', 'LogLevel=DEBUG1']);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
  }

  async says(pattern: RegExp): Promise<this> {
    await eventually(
      `ssh says ${pattern}`,
      () => {
        if (this.#child.exitCode !== null) throw new Error(this.errors);
        return pattern.test(this.errors) || null;
      },
      15_000,
    );
    return this;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGTERM');
    await gone;
  }
}
