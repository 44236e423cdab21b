/** What the PGlite worker is given when it starts. */
export interface PgliteStart {
  /** Absolute. */
  readonly dataDir: string;
}

/** To the worker: bytes of the PostgreSQL wire protocol, or the wish to stop. */
export type PgliteCall =
  | { readonly type: 'exec'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly id: number };

/** From the worker. A `failed` with id 0 is a database that could not be opened. */
export type PgliteAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'reply'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string };
