/** What the thread is started with. */
export interface BuildSettings {
  /** Where the recordings lie. */
  readonly root: string;
  readonly key: string;
}

/** What it says; after the last two it ends. */
export type FromBuild =
  | { readonly type: 'progress'; readonly progress: number }
  | { readonly type: 'built' }
  | { readonly type: 'failed'; readonly reason: string };
