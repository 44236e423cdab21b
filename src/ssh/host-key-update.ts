/**
 * OpenSSH's host key rotation (PROTOCOL, section 2.5): after authentication the server names all its
 * host keys, and a client with UpdateHostKeys asks it to prove those that it did not know.
 */
import type { HostKey } from './host-key.ts';
import { signAs } from './host-key.ts';
import { type OwnerInternals, type ProtocolInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { message, WireReader, wireString } from './wire.ts';

const ANNOUNCE = 'hostkeys-00@openssh.com';
const PROVE = 'hostkeys-prove-00@openssh.com';
/** Keys that one question may name. */
const MOST_KEYS = 16;
/** Questions that may wait for their turn. */
const MOST_PROOFS = 4;

/** Replies to global requests have no number: they must go out in the order of the requests. */
interface Replies {
  readonly keys: readonly HostKey[];
  asked: number;
  answered: number;
  /** What to answer, by the number of the request. */
  readonly proofs: Map<number, Buffer>;
}

const replies = new WeakMap<ProtocolInternals, Replies>();

/** Names `keys`, the one in use first, once the client is authenticated, and proves them. */
export function announceHostKeys(owner: OwnerInternals, keys: readonly HostKey[]): void {
  const protocol = owner._protocol;
  const state: Replies = { keys, asked: 0, answered: 0, proofs: new Map() };
  replies.set(protocol, state);
  answerInOrder(protocol, state);
  owner.once('ready', () => {
    const blobs = keys.map(({ blob }) => wireString(blob));
    sendPayload(
      protocol,
      message(Message.GlobalRequest, wireString(ANNOUNCE), Uint8Array.of(0), ...blobs),
    );
  });
}

/** ssh2 answers what it does not know with a failure, in its turn; there the proof goes instead. */
function answerInOrder(protocol: ProtocolInternals, state: Replies): void {
  const { requestSuccess, requestFailure } = protocol;
  protocol.requestSuccess = (data) => {
    state.answered += 1;
    requestSuccess.call(protocol, data);
  };
  protocol.requestFailure = () => {
    state.answered += 1;
    const proof = state.proofs.get(state.answered);
    state.proofs.delete(state.answered);
    if (proof) requestSuccess.call(protocol, proof);
    else requestFailure.call(protocol);
  };
}

/** Sees each global request of a client before ssh2 does, which then answers it. */
export function noteGlobalRequest(protocol: ProtocolInternals, payload: Buffer): void {
  const state = replies.get(protocol);
  if (!state) return;
  const reader = new WireReader(payload);
  const name = reader.text();
  if (reader.boolean() !== true) return;
  state.asked += 1;
  if (name !== PROVE || state.proofs.size >= MOST_PROOFS) return;
  const sessionId = protocol._kex?.sessionID;
  const proof = sessionId && prove(state.keys, sessionId, reader.rest());
  if (proof) state.proofs.set(state.asked, proof);
}

/** Undefined when a key is asked for that is none of ours: then nothing is proven. */
function prove(keys: readonly HostKey[], sessionId: Buffer, asked: Buffer): Buffer | undefined {
  const reader = new WireReader(asked, 0);
  const proofs: Buffer[] = [];
  while (reader.rest().length > 0 && proofs.length < MOST_KEYS) {
    const blob = reader.string();
    const key = blob && keys.find((one) => one.blob.equals(blob));
    if (!key) return undefined;
    const signed = Buffer.concat([PROVE, sessionId, key.blob].map(wireString));
    const signature = [key.algorithm, signAs(key, signed)].map(wireString);
    proofs.push(wireString(Buffer.concat(signature)));
  }
  return reader.rest().length > 0 || proofs.length === 0 ? undefined : Buffer.concat(proofs);
}
