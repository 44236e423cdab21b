import type { AnalysisChanges } from '../domain/analysis.ts';

export interface WorkerSettings {
  /** The directory of the recordings. */
  readonly root: string;
}

/** To the thread; `job` is a number that is used once. */
export type ToWorker = { readonly job: number } & (
  | {
      readonly type: 'read';
      readonly key: string;
      readonly channel: number;
      /** Whether it is still being written. */
      readonly isLive: boolean;
    }
  /** What was found last has been kept. */
  | { readonly type: 'taken' }
  /** Nobody writes the recording any more. */
  | { readonly type: 'finish' }
  | { readonly type: 'drop' }
);

/** Milliseconds between two signs of life of a thread that has something to do. */
export const ALIVE_MS = 5000;

/** From the thread. `alive` comes as long as it has jobs and does not hang. */
export type FromWorker = { readonly type: 'alive' } | Report;

/** Of a job. After `found` it waits for `taken`; after the other two nothing comes of a job. */
export type Report = { readonly job: number } & (
  | { readonly type: 'found'; readonly changes: AnalysisChanges }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly reason: string }
);
