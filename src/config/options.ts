import type { ArchivePlace } from '../domain/archive.ts';
import type { SinkAddress } from '../domain/seal-sink.ts';
import type { Secret } from '../domain/secret.ts';
import { CLIENT_AGES, type ClientAge, type KeyLife } from '../domain/ssh-manners.ts';
import { ENCRYPTION_OPTIONS } from './encryption-options.ts';
import type { Listener } from './listener.ts';
import type { Option } from './option.ts';
import {
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  parseAdminToken,
  parseCredential,
  parseDatabaseUrl,
  parseDirectory,
  parseKeeping,
  parseListen,
  parsePublicSsh,
  parsePublicUrl,
  parseRecordings,
  parseRedisUrl,
  parseRekey,
  parseSecretKey,
  parseSize,
  parseTimeout,
  parseWord,
  parseWorkers,
} from './parsers.ts';
import { parseSealSinks, parseWebhookSecret } from './sinks.ts';

/** What the settings say, each read from its text; null: not set, and there is no default. */
export interface Settings {
  /** Absolute. */
  readonly dataDir: string;
  readonly sshListen: Listener;
  readonly sshClients: ClientAge;
  readonly sshRekey: KeyLife;
  readonly httpListen: Listener;
  /** What users are told; port null: the listener's. */
  readonly publicSsh: { readonly host: string; readonly port: number | null } | null;
  /** Without a slash at its end. */
  readonly publicUrl: string | null;
  readonly databaseUrl: Secret | null;
  readonly redisUrl: Secret | null;
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
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat | null;
  /** Absolute. */
  readonly readyFile: string | null;
}

type Table = { readonly [Key in keyof Settings]: Option<NonNullable<Settings[Key]>> };

/** Every setting that there is (spec/interface.md, "Settings"), in the order of its documentation. */
export const OPTIONS: Table = {
  dataDir: {
    name: 'POSTERN_DATA_DIR',
    fallback: './data',
    parse: parseDirectory,
    secret: 'no',
    doc: 'host keys, embedded database, recordings, admin token; created with mode 0700',
  },
  sshListen: {
    name: 'POSTERN_SSH_LISTEN',
    fallback: '0.0.0.0:2222',
    demo: '127.0.0.1:2222',
    parse: parseListen,
    secret: 'no',
    doc: 'SSH address, `HOST:PORT` or `[IPV6]:PORT`; port 0 picks a free one',
  },
  sshClients: {
    name: 'POSTERN_SSH_CLIENTS',
    fallback: 'modern',
    parse: (text) => parseWord(text, CLIENT_AGES),
    secret: 'no',
    doc: 'clients that can connect, by the algorithms that they have: `strict`, `modern` or `old` (algorithms.md)',
  },
  sshRekey: {
    name: 'POSTERN_SSH_REKEY',
    fallback: '1G 1h',
    parse: parseRekey,
    secret: 'no',
    doc: 'how long SSH keys serve before they are renewed, `SIZE` or `SIZE TIME`: 1M to 1G, 60s to 1h; towards clients and machines',
  },
  httpListen: {
    name: 'POSTERN_HTTP_LISTEN',
    fallback: '127.0.0.1:8080',
    parse: parseListen,
    secret: 'no',
    doc: 'address of the API and the console; port 0 picks a free one',
  },
  publicSsh: {
    name: 'POSTERN_PUBLIC_SSH',
    fallback: null,
    fallbackText: 'from the listener',
    parse: parsePublicSsh,
    secret: 'no',
    doc: 'the SSH address that users are told to use, `HOST` or `HOST:PORT`',
  },
  publicUrl: {
    name: 'POSTERN_PUBLIC_URL',
    fallback: null,
    fallbackText: 'from the listener',
    parse: parsePublicUrl,
    secret: 'no',
    doc: 'the address of API and console that users are told to use, `https://HOST`',
  },
  databaseUrl: {
    name: 'DATABASE_URL',
    fallback: null,
    fallbackText: 'embedded PGlite under the data directory',
    parse: parseDatabaseUrl,
    secret: 'in-url',
    doc: 'PostgreSQL 13 or newer, `postgres://USER:PASSWORD@HOST/DATABASE`',
  },
  redisUrl: {
    name: 'REDIS_URL',
    fallback: null,
    fallbackText: 'in this process',
    parse: parseRedisUrl,
    secret: 'in-url',
    doc: 'counters and limits that the nodes share, `redis://HOST:PORT/NUMBER` or `rediss://…`',
  },
  recordings: {
    name: 'POSTERN_RECORDINGS',
    fallback: null,
    fallbackText: '`recordings` under the data directory',
    parse: parseRecordings,
    secret: 'no',
    doc: 'where recordings are kept, `file:DIRECTORY`, or `s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION` with `recordings` under the data directory as spool; see [recordings.md](recordings.md)',
  },
  s3AccessKey: {
    name: 'AWS_ACCESS_KEY_ID',
    fallback: null,
    parse: parseCredential,
    secret: 'whole',
    doc: 'signs requests to `s3://…`',
  },
  s3SecretKey: {
    name: 'AWS_SECRET_ACCESS_KEY',
    fallback: null,
    parse: parseCredential,
    secret: 'whole',
    doc: 'signs requests to `s3://…`',
  },
  s3SessionToken: {
    name: 'AWS_SESSION_TOKEN',
    fallback: null,
    parse: parseCredential,
    secret: 'whole',
    doc: 'belongs to temporary keys',
  },
  recordingsCache: {
    name: 'POSTERN_RECORDINGS_CACHE',
    fallback: '1G',
    parse: parseSize,
    secret: 'no',
    doc: 'with `s3://…`: room for recordings that are on this disk although the store has them, `512M`, `1G` or `1T`; `0`: none longer than it is read',
  },
  minFree: {
    name: 'POSTERN_MIN_FREE',
    fallback: '1G',
    demo: '64M',
    parse: parseSize,
    secret: 'no',
    doc: 'room that has to be left where recordings are kept, `512M`, `1G` or `1T`: below it, sessions that must be recorded are refused; `0`: never',
  },
  retention: {
    name: 'POSTERN_RETENTION',
    fallback: 'forever',
    parse: parseKeeping,
    secret: 'no',
    doc: 'how long recordings are kept after their end, `90d`, `12h`, `7y` or `forever`; a machine can have its own; see [recordings.md](recordings.md)',
  },
  retentionSize: {
    name: 'POSTERN_RETENTION_SIZE',
    fallback: '0',
    parse: parseSize,
    secret: 'no',
    doc: 'room that the recordings of this node may take, `500G`: beyond it the oldest are deleted; `0`: any',
  },
  sealSinks: {
    name: 'POSTERN_SEAL_SINKS',
    fallback: null,
    parse: parseSealSinks,
    secret: 'whole',
    doc: 'where seals of recordings are noted beside the database, with spaces between several: `https://HOST/PATH`, `syslog://HOST:PORT` (UDP; `syslog+tcp`, `syslog+tls`), `file:PATH`; see [recordings.md](recordings.md)',
  },
  webhookSecret: {
    name: 'POSTERN_WEBHOOK_SECRET',
    fallback: null,
    parse: parseWebhookSecret,
    secret: 'whole',
    doc: 'what Postern signs its webhooks with, and their receivers check: 16 to 256 characters (`openssl rand -hex 32`)',
  },
  redaction: {
    name: 'POSTERN_REDACTION',
    fallback: null,
    fallbackText: 'the built-in forms of secrets',
    parse: parseDirectory,
    secret: 'no',
    doc: 'a YAML file with further patterns of what is hidden in recordings from who is not an admin; see [recordings.md](recordings.md)',
  },
  ...ENCRYPTION_OPTIONS,
  secretKey: {
    name: 'POSTERN_SECRET_KEY',
    fallback: null,
    fallbackText: 'the file `secret-key` in the data directory, made on first start, 0600',
    parse: parseSecretKey,
    secret: 'whole',
    doc: 'encrypts stored credentials: 32 bytes as base64 or hex (`openssl rand -base64 32`)',
  },
  adminToken: {
    name: 'POSTERN_ADMIN_TOKEN',
    fallback: null,
    fallbackText: 'the file `admin-token` in the data directory, made on first start, 0600',
    parse: parseAdminToken,
    secret: 'whole',
    doc: 'a token with scope `admin`: 32 to 256 letters, digits or `-_.~+/=`',
  },
  workers: {
    name: 'POSTERN_WORKERS',
    fallback: '1',
    parse: parseWorkers,
    secret: 'no',
    doc: 'SSH worker processes beside the control process, 0 to 64; `0`: all in one process',
  },
  approvalTimeout: {
    name: 'POSTERN_APPROVAL_TIMEOUT',
    fallback: '15m',
    parse: parseTimeout,
    secret: 'no',
    doc: 'how long a session waits for its approval, `30s`, `15m`, `2h`, at most `24h`; see [approvals.md](approvals.md)',
  },
  logLevel: {
    name: 'POSTERN_LOG_LEVEL',
    fallback: 'info',
    parse: (text) => parseWord(text, LOG_LEVELS),
    secret: 'no',
    doc: 'the least important lines that are logged: `debug`, `info`, `warn` or `error`',
  },
  logFormat: {
    name: 'POSTERN_LOG_FORMAT',
    fallback: null,
    fallbackText: '`pretty` on a terminal, else `json`',
    parse: (text) => parseWord(text, LOG_FORMATS),
    secret: 'no',
    doc: '`pretty`: one readable line; `json`: one JSON object a line',
  },
  readyFile: {
    name: 'POSTERN_READY_FILE',
    fallback: null,
    parse: parseDirectory,
    secret: 'no',
    doc: 'when ready, a JSON file with the ports in use is written here, and removed at the end',
  },
};

export const KEYS = Object.keys(OPTIONS) as readonly (keyof Settings)[];

/** The names of all settings. */
export const NAMES: readonly string[] = KEYS.map((key) => OPTIONS[key].name);
