import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A syslog server on a port of its own, which keeps what it is told. */
export interface SyslogServer extends AsyncDisposable {
  readonly port: number;
  readonly messages: readonly string[];
}

/** Key and certificate, PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

export async function startUdpSyslog(): Promise<SyslogServer> {
  const messages: string[] = [];
  const socket = createSocket('udp4', (message) => messages.push(message.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    messages,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** Messages with their length in front; over TLS where there is an identity. */
export async function startStreamSyslog(identity?: TlsIdentity): Promise<SyslogServer> {
  const messages: string[] = [];
  const take = (socket: Socket): void => {
    let waiting = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      waiting = Buffer.concat([waiting, piece]);
      for (;;) {
        const [head = '', digits = ''] = /^(\d+) /.exec(waiting.toString('latin1', 0, 12)) ?? [];
        const end = head.length + Number(digits);
        if (head === '' || waiting.length < end) return;
        messages.push(waiting.toString('utf8', head.length, end));
        waiting = waiting.subarray(end);
      }
    });
  };
  const server = identity === undefined ? createServer(take) : createTlsServer(identity, take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
