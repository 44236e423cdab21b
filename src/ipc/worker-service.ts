import type { RouteAnswer } from '../domain/control-plane.ts';
import type { GatewayLoad } from '../domain/load.ts';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import type { EndReason } from '../domain/session.ts';
import type { SshManners } from '../domain/ssh-manners.ts';

/** What a worker is told in its first message; the host key never stands in `env` or `argv`. */
export interface WorkerSettings {
  /** From 1; in each of the worker's log lines. */
  readonly worker: number;
  readonly listen: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    /** Whether other workers listen on the same port. */
    readonly reusePort: boolean;
  };
  /** OpenSSH private key text. */
  readonly hostKey: string;
  /** Which ciphers work on this host, as ssh/algorithms.ts found. */
  readonly working: { readonly ciphers: readonly string[]; readonly failed: readonly string[] };
  readonly manners: SshManners;
  /** Absolute; null: none. See engine/certificates.ts. */
  readonly engineCerts: string | null;
  readonly kubeconfig: string | null;
  /** Absolute; see worker-marks.ts. */
  readonly dataDir: string;
  /** Absolute directory. */
  readonly recordings: string;
  /** Bytes that have to be free for a new recording; 0: any room will do. */
  readonly minFree: number;
  /** The private key that recordings are sealed with, as PEM. */
  readonly sealingKey: string;
  readonly encryption: RecordingEncryption | null;
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly format: 'pretty' | 'json';
  };
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How a worker's start ended; `problem` is for the log and the one who started the server. */
export type Started = { readonly address: Address } | { readonly problem: string };

/** What the control process asks of a worker. */
export interface WorkerService {
  /** Once, before everything else. */
  start(settings: WorkerSettings): Promise<Started>;
  /** As Gateway.terminate. */
  terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean>;
  /** As Gateway.renew. */
  renew(sessionId: number, answer: RouteAnswer): Promise<boolean>;
  /** Takes nobody in any more, ends every session with a word to its user; settles when all have. */
  drain(): Promise<void>;
  /** Answers as long as the process goes round, with what it takes. */
  ping(): Promise<GatewayLoad>;
}

export const WORKER_METHODS = {
  start: true,
  terminate: true,
  renew: true,
  drain: true,
  ping: true,
} as const satisfies Readonly<Record<keyof WorkerService, true>>;
