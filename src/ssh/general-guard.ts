/**
 * The rest of the message table: nothing of the connection protocol before authentication, an answer
 * to unknown messages (RFC 4253 section 11.4) and to pings, a bound on global requests.
 */
import { Allowance, fatal, lazily, registration, watchMessages } from './guard.ts';
import { noteGlobalRequest } from './host-key-update.ts';
import { library, type MessageHandler, type ProtocolInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { message, uint32, WireReader, wireString } from './wire.ts';

const MAX_UNKNOWN = 64;
/** Global, channel and channel-request messages (RFC 4250 section 4.1.2). */
const CONNECTION_MESSAGES = [80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100];

const unknownOf = lazily<ProtocolInternals, { count: number }>(() => ({ count: 0 }));

const globalsOf = lazily<ProtocolInternals, Allowance>(
  (protocol) => new Allowance(registration(protocol)?.limits.maxGlobalRequests ?? 0),
);

function onUnknown(protocol: ProtocolInternals): unknown {
  const unknown = unknownOf(protocol);
  unknown.count += 1;
  if (unknown.count > MAX_UNKNOWN) return fatal(protocol, 'too many unknown messages');
  const sequence = (protocol._decipher?.inSeqno ?? 1) - 1;
  sendPayload(protocol, message(Message.Unimplemented, uint32(sequence)));
  return undefined;
}

function onPing(protocol: ProtocolInternals, payload: Buffer): unknown {
  const data = new WireReader(payload).string();
  if (!data) return fatal(protocol, 'bad ping');
  sendPayload(protocol, message(Message.Pong, wireString(data)));
  return undefined;
}

function onGlobal(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  if (!registration(protocol)) return next(protocol, payload);
  if (!globalsOf(protocol).take()) return fatal(protocol, 'too many global requests');
  noteGlobalRequest(protocol, payload);
  const reader = new WireReader(payload);
  const name = reader.text();
  if (protocol._server || name !== 'hostkeys-00@openssh.com') return next(protocol, payload);
  // ssh2 would ask the machine to prove any number of keys; nobody here takes up new host keys.
  if (reader.boolean()) protocol.requestSuccess();
  return undefined;
}

/** Completes the message table; install it last, since it also covers the guards before it. */
export function installGeneralGuard(): void {
  const table = library().handlers;
  watchMessages([Message.GlobalRequest], onGlobal);
  watchMessages(CONNECTION_MESSAGES, (protocol, payload, next) =>
    protocol._authenticated ? next(protocol, payload) : fatal(protocol, 'not authenticated'),
  );
  table[Message.Ping] = onPing;
  for (let type = 1; type < 256; type++) table[type] ??= onUnknown;
}
