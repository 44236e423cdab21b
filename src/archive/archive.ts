import type { ArchiveCredentials, ArchivePlace, ArchiveState } from '../domain/archive.ts';
import type { Logger } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';
import { ArchivedLibrary } from './archived-library.ts';
import { Bucket } from './bucket.ts';
import { LocalCopies } from './local-copies.ts';
import { Shipper } from './shipper.ts';
import { Spool } from './spool.ts';

export interface ArchiveOptions {
  readonly place: ArchivePlace;
  readonly credentials: ArchiveCredentials;
  /** The directory in which the recorder writes; absolute. */
  readonly root: string;
  /** Reads recordings below a directory. */
  readonly openAt: (root: string) => RecordingLibrary;
  /** Bytes of recordings that are kept here although the store has them. */
  readonly mostCopies: number;
  /** Bytes that have to be free for recordings to come. */
  readonly minFree: number;
  readonly store: Store;
  readonly node: string;
  readonly log: Logger;
}

/** Recordings in an S3-compatible store, of which this machine's disk is the spool. */
export interface Archive {
  readonly library: RecordingLibrary;
  readonly state: ArchiveState;
  /** Recordings that have ended and are not in it yet; above 200 no more are counted. */
  readonly waiting: number;
  /** Sends what has ended, for as long as `deadline` milliseconds. */
  close(deadline: number): Promise<void>;
}

/** Begins to send at once; the store need not answer. */
export function openArchive(options: ArchiveOptions): Archive {
  const { place, credentials, root, openAt, store, node, log } = options;
  const { mostCopies: most, minFree: least } = options;
  const bucket = new Bucket(place, credentials);
  const spool = new Spool(root);
  const { archive } = store;
  const copies = new LocalCopies({ bucket, spool, archive, most, least, log });
  const local = openAt(root);
  const stat = (key: string) => local.stat(key);
  const shipper = new Shipper({ bucket, spool, copies, store, stat, node, log });
  copies.begin();
  shipper.begin();
  return {
    library: new ArchivedLibrary({ local, openAt, spool, copies, archive }),
    get state() {
      return shipper.state;
    },
    get waiting() {
      return shipper.waiting;
    },
    async close(deadline) {
      await shipper.close(deadline);
      await copies.close();
    },
  };
}
