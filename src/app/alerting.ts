import { AlertWatch } from '../alerts/watch.ts';
import type { Config } from '../config/load.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { SinkFeed } from '../outbound/sink-feed.ts';
import { alertSink } from '../outbound/sinks.ts';
import type { Closers } from './closers.ts';
import { openSinkMeans } from './sink-means.ts';

/** Milliseconds that a sink has for the last alerts when the server stops. */
const LAST_ALERTS_MS = 3000;

/** Looks for what raises alerts on this node, and brings alerts to the sinks that were set. */
export async function openAlerting(
  config: Config,
  parts: {
    readonly store: Store;
    readonly node: string;
    readonly publicUrl: () => string;
    readonly log: Logger;
  },
  closers: Closers,
): Promise<AlertWatch> {
  const { store, node, publicUrl, log } = parts;
  const means = openSinkMeans(config);
  const feeds = config.alertSinks.map((address) => {
    const sink = alertSink(address, means, publicUrl);
    return new SinkFeed({ what: 'alerts', sink, store: store.alertFeed, node, log });
  });
  closers.add('telling of alerts', async () => {
    await Promise.all(feeds.map((feed) => feed.close(LAST_ALERTS_MS)));
    means.close();
  });
  for (const feed of feeds) await feed.begin();
  return new AlertWatch({ alerts: store.alerts, log });
}
