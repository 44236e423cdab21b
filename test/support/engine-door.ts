import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { scratch } from './scratch.ts';

/** A way to an engine that can be shut while the engine goes on. */
export interface EngineDoor extends AsyncDisposable {
  /** As `engine:` of a machine. */
  readonly address: string;
  /** How many connections have come through it. */
  readonly count: number;
  /** Nobody reaches the engine any more, and what stood is cut. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function startEngineDoor(to: string): Promise<EngineDoor> {
  const files = scratch();
  const socket = files.join('door.sock');
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    count += 1;
    const far = connect({ path: to, allowHalfOpen: true });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => undefined);
      one.once('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const listen = async (): Promise<void> => {
    server.listen(socket);
    await once(server, 'listening');
  };
  const shut = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const one of open) one.destroy();
    await closed;
  };
  await listen();
  return {
    address: `unix://${socket}`,
    get count() {
      return count;
    },
    shut,
    open: listen,
    async [Symbol.asyncDispose]() {
      if (server.listening) await shut();
      files[Symbol.dispose]();
    },
  };
}
