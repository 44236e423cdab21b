/**
 * Which clients are to be able to connect, by the algorithms that they need (docs/algorithms.md):
 * `strict`: nothing that is warned of; `modern`: what current clients need; `old`: others too.
 */
export const CLIENT_AGES = ['strict', 'modern', 'old'] as const;
export type ClientAge = (typeof CLIENT_AGES)[number];

/** How long session keys serve before they are renewed, whichever ends first; on both legs. */
export interface KeyLife {
  /** Bytes in both directions. */
  readonly rekeyBytes: number;
  /** Milliseconds. */
  readonly rekeyMs: number;
}

/** How Postern speaks SSH, as far as the operator decides. */
export interface SshManners {
  readonly clients: ClientAge;
  readonly keyLife: KeyLife;
}
