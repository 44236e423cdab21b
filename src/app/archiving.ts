import { type Archive, openArchive } from '../archive/archive.ts';
import type { Config } from '../config/load.ts';
import type { Logger } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';
import type { Closers } from './closers.ts';

/** How long recordings may still be sent when the server stops, in milliseconds; the next start goes on. */
const LAST_RECORDINGS_MS = 5000;

/** What signs requests to buckets; null: the settings have none. */
export function bucketKeys({ s3AccessKey, s3SecretKey, s3SessionToken }: Config) {
  if (s3AccessKey === null || s3SecretKey === null) return null;
  return { accessKey: s3AccessKey, secretKey: s3SecretKey, sessionToken: s3SessionToken };
}

/** Where the settings keep recordings in an S3-compatible store, and with which keys; null: nowhere. */
export function archiveAccess(config: Config) {
  const [{ archive: place }, credentials] = [config, bucketKeys(config)];
  return place === null || credentials === null ? null : { place, credentials };
}

/** The S3-compatible store of recordings; null: the settings name none. */
export function openArchiving(
  config: Config,
  openAt: (root: string) => RecordingLibrary,
  parts: { readonly store: Store; readonly node: string; readonly log: Logger },
  closers: Closers,
): Archive | null {
  const access = archiveAccess(config);
  if (access === null) return null;
  const { recordings: root, recordingsCache: mostCopies, minFree } = config;
  const archive = openArchive({ ...access, root, openAt, mostCopies, minFree, ...parts });
  closers.add('sending recordings', () => archive.close(LAST_RECORDINGS_MS));
  return archive;
}
