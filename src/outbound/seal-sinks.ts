import { createHash } from 'node:crypto';
import { formatId } from '../domain/ids.ts';
import type { NotedSeal, SealSink, SinkAddress } from '../domain/seal-sink.ts';
import type { Secret } from '../domain/secret.ts';
import { appendLines } from './append-file.ts';
import { sendToSyslog, syslogMessage } from './syslog.ts';
import { Webhook } from './webhook.ts';

/** What each sink is told of a seal: one JSON object. */
function sealJson({ sessionId, channel, key, node, seal }: NotedSeal) {
  const { part, end, hash, line } = seal;
  return {
    type: 'recording.sealed',
    ...{ session_id: formatId('sess', sessionId), channel, key, node },
    ...{ part, end, hash, line },
  };
}

/** What tells a sink from others, in words that may be logged; the rest of it as a hash. */
function labelOf(address: SinkAddress): string {
  if (address.type === 'file') return `file:${address.path}`;
  if (address.type === 'webhook') return new URL(address.url.expose()).origin;
  const { transport, host, port } = address;
  return `syslog+${transport}://${host}:${port}`;
}

function idOf(address: SinkAddress): string {
  const whole = address.type === 'webhook' ? address.url.expose() : labelOf(address);
  const hash = createHash('sha256').update(whole).digest('hex');
  return `${address.type}:${hash.slice(0, 16)}`;
}

/** `secret`: what webhooks are signed with. */
export function sealSink(address: SinkAddress, secret: Secret): SealSink {
  return {
    id: idOf(address),
    type: address.type,
    label: labelOf(address),
    deliver: deliveryTo(address, secret),
  };
}

function deliveryTo(address: SinkAddress, secret: Secret): SealSink['deliver'] {
  if (address.type === 'webhook') {
    const webhook = new Webhook({ url: address.url, secret });
    return (seals) => {
      const body = JSON.stringify({ type: 'recording.sealed', seals: seals.map(sealJson) });
      return webhook.deliver(deliveryOf(seals), body);
    };
  }
  const lines = (seals: readonly NotedSeal[]) => seals.map((one) => JSON.stringify(sealJson(one)));
  if (address.type === 'file') return (seals) => appendLines(address.path, lines(seals));
  return (seals) =>
    sendToSyslog(
      address,
      lines(seals).map((line) => syslogMessage('seal', line)),
    );
}

/** The same for the same seals. */
function deliveryOf(seals: readonly NotedSeal[]): string {
  const hash = createHash('sha256');
  for (const { node, number } of seals) hash.update(`${node}:${number}\n`);
  return hash.digest('hex').slice(0, 32);
}
