import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { SinkAddress } from '../domain/seal-sink.ts';

export type SyslogAddress = Extract<SinkAddress, { type: 'syslog' }>;

/** Facility `log audit` (13), severity `notice` (5): RFC 5424 section 6.2.1. */
const PRIORITY = 13 * 8 + 5;

/** Milliseconds for one batch. */
const DEADLINE_MS = 10_000;

/** Milliseconds that the other side may take to close after we have. */
const GOODBYE_MS = 2000;

/**
 * One message of RFC 5424, with the JSON text behind a byte order mark (section 6.4). `kind` is the
 * MSGID.
 */
export function syslogMessage(kind: string, text: string, at: Date = new Date()): string {
  const host = hostname().replace(/[^!-~]/g, '') || '-';
  return `<${PRIORITY}>1 ${at.toISOString()} ${host.slice(0, 255)} postern ${process.pid} ${kind} - \ufeff${text}`;
}

/**
 * Brings messages to a syslog server: over UDP one a datagram (RFC 5426), else with their length in
 * front (RFC 6587 section 3.4.1, RFC 5425), on a connection that is closed behind them. Syslog confirms
 * nothing: over UDP it is brought when it was sent, over a connection when the server has taken its end.
 */
export async function sendToSyslog(
  address: SyslogAddress,
  messages: readonly string[],
): Promise<void> {
  const buffers = messages.map((message) => Buffer.from(message));
  await (address.transport === 'udp' ? sendDatagrams : sendStream)(address, buffers);
}

async function sendDatagrams(address: SyslogAddress, messages: readonly Buffer[]): Promise<void> {
  const socket = createSocket(isIP(address.host) === 6 ? 'udp6' : 'udp4');
  // An error that belongs to no send; each send has its own.
  socket.on('error', () => undefined);
  try {
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(message, address.port, address.host, (error) =>
          error === null ? resolve() : reject(error),
        );
      });
    }
  } finally {
    socket.close();
  }
}

function connected({ transport, host, port }: SyslogAddress): Socket {
  if (transport === 'tcp') return connectTcp({ host, port });
  return connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) });
}

function sendStream(address: SyslogAddress, messages: readonly Buffer[]): Promise<void> {
  const framed = messages.flatMap((message) => [Buffer.from(`${message.length} `), message]);
  const socket = connected(address);
  return new Promise((resolve, reject) => {
    let flushed = false;
    const finish = (error: Error | null): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error === null) resolve();
      else reject(error);
    };
    let timer = setTimeout(() => finish(new Error('no connection in time')), DEADLINE_MS);
    socket.on('error', finish);
    socket.on('close', () => finish(flushed ? null : new Error('closed before all was sent')));
    // What it says is nobody's; it has to be read for its end to be seen.
    socket.resume();
    socket.once(address.transport === 'tcp' ? 'connect' : 'secureConnect', () => {
      socket.end(Buffer.concat(framed), () => {
        flushed = true;
        clearTimeout(timer);
        timer = setTimeout(() => finish(null), GOODBYE_MS);
      });
    });
  });
}
