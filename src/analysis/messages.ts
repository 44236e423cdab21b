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

/** From the thread. After `found` it waits for `taken`; after the other two nothing comes of a job. */
export type FromWorker = { readonly job: number } & (
  | { readonly type: 'found'; readonly changes: AnalysisChanges }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly reason: string }
);
