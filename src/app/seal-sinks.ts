import type { Config } from '../config/load.ts';
import type { Logger } from '../domain/log.ts';
import type { SealFeedStore, SinkState } from '../domain/seal-sink.ts';
import { SinkFeed } from '../outbound/sink-feed.ts';
import { sealSink } from '../outbound/sinks.ts';
import type { Closers } from './closers.ts';
import { openSinkMeans } from './sink-means.ts';

/** Milliseconds that a sink has for the last seals when the server stops. */
const LAST_SEALS_MS = 3000;

/**
 * From now on what this node seals is brought to the sinks that were set, too; answers how they are,
 * in the order of the setting.
 */
export async function openSealSinks(
  config: Config,
  node: string,
  store: SealFeedStore,
  log: Logger,
  closers: Closers,
): Promise<() => readonly SinkState[]> {
  const means = openSinkMeans(config);
  const feeds = config.sealSinks.map(
    (address) => new SinkFeed({ what: 'seals', sink: sealSink(address, means), store, node, log }),
  );
  closers.add('noting seals outside', async () => {
    await Promise.all(feeds.map((feed) => feed.close(LAST_SEALS_MS)));
    means.close();
  });
  for (const feed of feeds) await feed.begin();
  return () => feeds.map((feed) => feed.state);
}
