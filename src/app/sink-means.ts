import { Bucket } from '../archive/bucket.ts';
import { digestOf } from '../archive/digest.ts';
import type { Config } from '../config/load.ts';
import { Secret } from '../domain/secret.ts';
import type { SinkMeans } from '../outbound/sinks.ts';
import { bucketKeys } from './archiving.ts';

/** What the settings reach their sinks by; `close` ends what is under way to buckets. */
export function openSinkMeans(config: Config): SinkMeans & { readonly close: () => void } {
  const buckets = new Map<string, Bucket>();
  const keys = bucketKeys(config);
  return {
    secret: config.webhookSecret ?? new Secret(''),
    put: async (place, name, text) => {
      // The settings are refused without them.
      if (keys === null) throw new Error('no keys for the bucket');
      const bucket = buckets.get(place.text) ?? new Bucket(place, keys);
      buckets.set(place.text, bucket);
      const bytes = new TextEncoder().encode(text);
      await bucket.put(bucket.nameOf(name), bytes, digestOf(bytes));
    },
    close: () => {
      for (const bucket of buckets.values()) bucket.close();
    },
  };
}
