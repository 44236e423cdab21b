import type { Context } from 'hono';
import type { ArchiveState } from '../domain/archive.ts';
import type {
  CertificateAuthority,
  HostCertificateAuthority,
} from '../domain/certificate-authority.ts';
import type { Changes } from '../domain/changes.ts';
import type { ContainerSessions } from '../domain/container-session.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import type { RetentionSweeper } from '../domain/kept-recording.ts';
import type { LiveRecordings } from '../domain/live.ts';
import type { Logger } from '../domain/log.ts';
import type { Meters, Metric } from '../domain/meters.ts';
import type { Passwords } from '../domain/password.ts';
import type { RecordingLibrary, SpaceState } from '../domain/recording.ts';
import type { Redaction } from '../domain/redaction.ts';
import type { Replays } from '../domain/replay.ts';
import type { SinkState } from '../domain/seal-sink.ts';
import type { SessionEvents } from '../domain/session-events.ts';
import type { SetupApplier } from '../domain/setup.ts';
import type { ServiceList } from '../domain/stack.ts';
import type { Store } from '../domain/store.ts';
import type { ParsePublicKey } from '../domain/user.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';
import type { TerminalRoom } from './terminal-room.ts';

/** Everything that the API works with; it makes none of it. */
export interface ApiDeps {
  readonly store: Store;
  readonly counters: Counters;
  readonly gateway: Gateway;
  /** Of this node. */
  readonly terminals: WebTerminals;
  /** Those of them that browsers have, or are to come for. */
  readonly room: TerminalRoom;
  readonly containerSessions: ContainerSessions;
  readonly services: ServiceList;
  readonly recordings: RecordingLibrary;
  /** As the last look at the file system of the recordings found it. */
  readonly space: () => SpaceState;
  /** Where seals are noted outside, in the order of the setting. */
  readonly sealSinks: () => readonly SinkState[];
  /** The S3-compatible store that recordings go to, as the last answer found it. */
  readonly archive: () => ArchiveState;
  /** Every figure of this node, as it is now. */
  readonly metrics: () => Promise<readonly Metric[]>;
  /** Whether who reaches /metrics may read them, without a token. */
  readonly openMetrics: boolean;
  readonly meters: Pick<Meters, 'signInFailed'>;
  readonly retention: RetentionSweeper;
  readonly live: LiveRecordings;
  readonly events: SessionEvents;
  /** The name of this node, whose recordings `recordings` and `live` have. */
  readonly node: string;
  /** Throws PosternError for a pattern that is not possible. */
  readonly checkAlertPattern: (pattern: string) => void;
  readonly replays: Replays;
  /** The same of how recordings are shown to who may not see what is secret in them. */
  readonly redactedReplays: Replays;
  readonly redaction: Redaction;
  readonly passwords: Passwords;
  readonly parsePublicKey: ParsePublicKey;
  readonly setup: SetupApplier;
  readonly certificates: Pick<CertificateAuthority, 'publicLine' | 'fingerprint'>;
  /** Told of every change that a request has made. */
  readonly changes: Changes;
  readonly log: Logger;
  readonly version: string;
  /** Where users reach the API and console: `https://bastion.example`. */
  readonly publicUrl: () => string;
  readonly publicSsh: () => { readonly host: string; readonly port: number };
  readonly clock: () => Date;
  /** The host key that Postern presents for a machine (`ssh -J`): `ssh-ed25519 AAAA…`. */
  readonly jumpHostKey: (machineId: number) => string;
  /** Signs the host certificates that go with those keys. */
  readonly hostAuthority: Pick<HostCertificateAuthority, 'publicLine' | 'fingerprint'>;
  /** The address that a request came from. */
  readonly clientAddress: (c: Context) => string;
  /** Requests a minute for each token, and for each address without one. */
  readonly requestsPerMinute: number;
  /** Milliseconds to wait for the holder of a session to confirm its end; 5000. */
  readonly terminateTimeoutMs?: number;
}
