import { createHash } from 'node:crypto';
import type { Alert } from '../domain/alert.ts';
import type { ArchivePlace } from '../domain/archive.ts';
import { formatId } from '../domain/ids.ts';
import type { NotedSeal, SinkAddress } from '../domain/seal-sink.ts';
import type { Secret } from '../domain/secret.ts';
import type { Sink } from '../domain/sink.ts';
import { appendLines } from './append-file.ts';
import { sendToSyslog, syslogMessage } from './syslog.ts';
import { Webhook } from './webhook.ts';

/** What sinks are reached by. */
export interface SinkMeans {
  /** What webhooks are signed with. */
  readonly secret: Secret;
  /** Puts an object in a bucket, below its prefix; rejects unless the store has it. */
  readonly put: (place: ArchivePlace, name: string, text: string) => Promise<void>;
}

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
  if (address.type === 'bucket') return address.place.text;
  const { transport, host, port } = address;
  return `syslog+${transport}://${host}:${port}`;
}

function idOf(address: SinkAddress): string {
  const whole = address.type === 'webhook' ? address.url.expose() : labelOf(address);
  const hash = createHash('sha256').update(whole).digest('hex');
  return `${address.type}:${hash.slice(0, 16)}`;
}

/** What a sink is told. */
interface Telling<Item> {
  /** Before an id that would be the same for another telling; empty for the first. */
  readonly prefix: string;
  /** Syslog's MSGID, and where in a bucket it is. */
  readonly name: string;
  readonly one: (item: Item) => object;
  /** The body of a webhook. */
  readonly all: (items: readonly Item[]) => object;
}

const SEALS: Telling<NotedSeal> = {
  prefix: '',
  name: 'seal',
  one: sealJson,
  all: (seals) => ({ type: 'recording.sealed', seals: seals.map(sealJson) }),
};

export function sealSink(address: SinkAddress, means: SinkMeans): Sink<NotedSeal> {
  return sinkOf(address, means, SEALS);
}

/** `publicUrl`: where the console is. */
export function alertSink(
  address: SinkAddress,
  means: SinkMeans,
  publicUrl: () => string,
): Sink<Alert> {
  const one = (alert: Alert): object => alertJson(alert, publicUrl());
  const all = (alerts: readonly Alert[]) => ({ type: 'alert.raised', alerts: alerts.map(one) });
  return sinkOf(address, means, { prefix: 'alerts:', name: 'alert', one, all });
}

function alertJson(alert: Alert, publicUrl: string): object {
  const { rule, kind, second, sessionId, channel, userName, machineName, login, node } = alert;
  const t = Math.floor(second * 10) / 10;
  return {
    ...{ type: 'alert.raised', at: alert.at.toISOString(), rule, kind, second },
    ...{ session_id: formatId('sess', sessionId), channel },
    ...{ user: userName, machine: machineName, login, node },
    url: `${publicUrl}/sessions/${sessionId}?channel=${channel}&t=${t}&from=start`,
  };
}

function sinkOf<Item extends { readonly number: number; readonly node: string }>(
  address: SinkAddress,
  means: SinkMeans,
  telling: Telling<Item>,
): Sink<Item> {
  return {
    id: `${telling.prefix}${idOf(address)}`,
    type: address.type,
    label: labelOf(address),
    deliver: deliveryTo(address, means, telling),
  };
}

function deliveryTo<Item extends { readonly number: number; readonly node: string }>(
  address: SinkAddress,
  { secret, put }: SinkMeans,
  { prefix, name, one, all }: Telling<Item>,
): Sink<Item>['deliver'] {
  if (address.type === 'webhook') {
    const webhook = new Webhook({ url: address.url, secret });
    return (items) => webhook.deliver(deliveryOf(prefix, items), JSON.stringify(all(items)));
  }
  const lines = (items: readonly Item[]) => items.map((item) => JSON.stringify(one(item)));
  if (address.type === 'file') return (items) => appendLines(address.path, lines(items));
  if (address.type === 'bucket') {
    return (items) => put(address.place, objectOf(name, items), `${lines(items).join('\n')}\n`);
  }
  return (items) =>
    sendToSyslog(
      address,
      lines(items).map((line) => syslogMessage(name, line)),
    );
}

/** Of its own for each delivery, so that none takes the place of another: `seals/NODE/FIRST-LAST.jsonl`. */
function objectOf(
  name: string,
  items: readonly { readonly number: number; readonly node: string }[],
): string {
  const place = (item: { readonly number: number } | undefined): string =>
    String(item?.number ?? 0).padStart(12, '0');
  const node = encodeURIComponent(items[0]?.node ?? '');
  return `${name}s/${node}/${place(items[0])}-${place(items.at(-1))}.jsonl`;
}

/** The same for the same things. */
function deliveryOf(
  prefix: string,
  items: readonly { readonly number: number; readonly node: string }[],
): string {
  const hash = createHash('sha256');
  for (const { node, number } of items) hash.update(`${prefix}${node}:${number}\n`);
  return hash.digest('hex').slice(0, 32);
}
