import type { Duplex } from 'node:stream';
import type { Algorithms, Client } from 'ssh2';

export type UpstreamErrorKind =
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'host-key'
  | 'auth'
  | 'protocol'
  | 'aborted';

/** Why a machine could not be reached. The message is safe to log: no control characters. */
export class UpstreamError extends Error {
  readonly kind: UpstreamErrorKind;

  constructor(kind: UpstreamErrorKind, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'UpstreamError';
    this.kind = kind;
  }
}

export type UpstreamAuth =
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'publickey'; readonly privateKey: string; readonly passphrase?: string };

export interface UpstreamHostKey {
  readonly algorithm: string;
  readonly blob: Buffer;
  readonly fingerprint: string;
}

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly auth: UpstreamAuth;
  /** Asked once per connection; a re-key must bring the same key. A rejection counts as no. */
  verifyHostKey(key: UpstreamHostKey): Promise<boolean>;
  readonly algorithms: Algorithms;
  /** From the dial to a finished authentication, host-key question included. */
  readonly readyTimeoutMs: number;
  /** Between two keepalive questions to a silent machine; after three unanswered it is dead. 0: none. */
  readonly keepaliveMs: number;
  readonly signal?: AbortSignal;
  /** Instead of a TCP connection to host and port: a channel through another machine. */
  readonly sock?: Duplex;
  readonly ident?: string;
}

export function connectClient(_options: UpstreamOptions): Promise<Client> {
  throw new Error('not written yet');
}
