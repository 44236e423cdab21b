import type { ArchivePlace } from '../domain/archive.ts';
import type { SinkAddress } from '../domain/seal-sink.ts';
import type { Secret } from '../domain/secret.ts';
import type { ClientAge, KeyLife } from '../domain/ssh-manners.ts';
import type { Listener } from './listener.ts';
import type { LogFormat, LogLevel, MetricsAccess } from './parsers.ts';

/** What the settings say, each read from its text; null: not set, and there is no default. */
export interface Settings {
  /** Absolute. */
  readonly dataDir: string;
  readonly sshListen: Listener;
  readonly sshClients: ClientAge;
  readonly sshRekey: KeyLife;
  readonly httpListen: Listener;
  /** Whether /metrics asks for a token. */
  readonly metrics: MetricsAccess;
  /** Requests a minute to the API. */
  readonly apiRate: number;
  /** What users are told; port null: the listener's. */
  readonly publicSsh: { readonly host: string; readonly port: number | null } | null;
  /** Without a slash at its end. */
  readonly publicUrl: string | null;
  readonly databaseUrl: Secret | null;
  readonly redisUrl: Secret | null;
  /** Absolute; certificates for container engines behind TLS; null: there are none. */
  readonly engineCerts: string | null;
  /** Absolute; who Postern is to which Kubernetes clusters; null: there is none. */
  readonly kubeconfig: string | null;
  /** An absolute directory, or an S3-compatible store. */
  readonly recordings: string | ArchivePlace | null;
  readonly s3AccessKey: Secret | null;
  readonly s3SecretKey: Secret | null;
  /** Of temporary keys. */
  readonly s3SessionToken: Secret | null;
  /** Bytes. */
  readonly recordingsCache: number;
  /** Bytes. */
  readonly minFree: number;
  /** Seconds; 0: for ever. */
  readonly retention: number;
  /** Bytes; 0: any. */
  readonly retentionSize: number;
  readonly sealSinks: readonly SinkAddress[] | null;
  readonly alertSinks: readonly SinkAddress[] | null;
  readonly webhookSecret: Secret | null;
  /** Absolute. */
  readonly redaction: string | null;
  /** `age1…`, at least one; null: recordings are not encrypted. */
  readonly recordingRecipients: readonly string[] | null;
  /** Absolute. */
  readonly recordingIdentity: string | null;
  readonly secretKey: Secret | null;
  readonly adminToken: Secret | null;
  readonly workers: number;
  /** Milliseconds. */
  readonly approvalTimeout: number;
  /** Milliseconds. */
  readonly containerSessionTimeout: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat | null;
  /** Absolute. */
  readonly readyFile: string | null;
}
