import type { ColumnType, GeneratedAlways, Kysely } from 'kysely';
import type { AccessLevel } from '../domain/access-level.ts';
import type { Capability } from '../domain/capability.ts';
import type { PrincipalMap, RevocationKind } from '../domain/certificate.ts';
import type { ContainerPlace } from '../domain/container-place.ts';
import type { TotpPolicy } from '../domain/factor.ts';
import type { AuthType, HostKeyPolicy, MachineAlgorithms, MachineKind } from '../domain/machine.ts';
import type { PodPlace } from '../domain/pod-place.ts';
import type { RecordingPolicy } from '../domain/recording.ts';
import type { Role, Scope } from '../domain/role.ts';
import type { ChannelKind, EndReason, SessionKind, SessionStatus } from '../domain/session.ts';
import type { MarkedShell } from '../domain/shell-integration.ts';
import type { TokenKind } from '../domain/token.ts';
import type { TransferDirection, TransferOperation, TransferProtocol } from '../domain/transfer.ts';
import type { AlertRuleTable, AlertTable } from './alert-tables.ts';
import type {
  CommandTable,
  RecordingAnalysisTable,
  TranscriptBlockTable,
} from './analysis-tables.ts';
import type { ApprovalTable } from './approval-table.ts';
import type { AuditChainTable, AuditTable, AuditUnlinkedTable } from './audit-tables.ts';
import type { Defaulted, Fixed } from './column.ts';
import type { EnteredContainerTable, SessionPlaceTable } from './place-table.ts';
import type {
  RecordingSealTable,
  RecordingTable,
  SealingKeyTable,
  SealSinkTable,
} from './recording-tables.ts';
import type { SearchLooseTable, SearchSheetTable } from './search-tables.ts';
import type { ContainerSessionTable, StackActionTable, StackTable } from './stack-tables.ts';
import type { Sealed } from './vault.ts';

/** The tables as migrations/ leaves them: bigint is number, timestamptz Date, text[] an array. */
export interface Tables {
  readonly users: UserTable;
  readonly user_keys: UserKeyTable;
  readonly groups: GroupTable;
  readonly group_members: GroupMemberTable;
  readonly machines: MachineTable;
  readonly grants: GrantTable;
  readonly approvals: ApprovalTable;
  readonly sessions: SessionTable;
  readonly session_channels: SessionChannelTable;
  readonly session_places: SessionPlaceTable;
  readonly entered_containers: EnteredContainerTable;
  readonly recordings: RecordingTable;
  readonly transfers: TransferTable;
  readonly recording_analyses: RecordingAnalysisTable;
  readonly commands: CommandTable;
  readonly transcript_blocks: TranscriptBlockTable;
  readonly search_sheets: SearchSheetTable;
  readonly search_loose: SearchLooseTable;
  readonly recording_seals: RecordingSealTable;
  readonly sealing_keys: SealingKeyTable;
  readonly seal_sinks: SealSinkTable;
  readonly alert_rules: AlertRuleTable;
  readonly alerts: AlertTable;
  readonly tokens: TokenTable;
  readonly sign_ins: SignInTable;
  readonly half_sign_ins: SignInTable;
  readonly audit: AuditTable;
  readonly audit_chain: AuditChainTable;
  readonly audit_unlinked: AuditUnlinkedTable;
  readonly certificate_authorities: CertificateAuthorityTable;
  readonly revocations: RevocationTable;
  readonly nodes: NodeTable;
  readonly stacks: StackTable;
  readonly container_sessions: ContainerSessionTable;
  readonly stack_actions: StackActionTable;
}

/** The database, or one transaction of it. */
export type Db = Kysely<Tables>;

interface UserTable {
  id: GeneratedAlways<number>;
  name: string;
  email: string | null;
  role: Role;
  password_hash: string | null;
  disabled: Defaulted<boolean>;
  totp: Defaulted<TotpPolicy>;
  totp_secret: Sealed | null;
  totp_confirmed_at: Date | null;
  /** No code of this step or an earlier one is taken any more; of recovery codes, hashes of those left. */
  totp_last_step: Defaulted<number>;
  recovery_codes: Defaulted<string[]>;
  created_at: Defaulted<Date>;
  updated_at: Defaulted<Date>;
}

interface UserKeyTable {
  id: GeneratedAlways<number>;
  user_id: Fixed<number>;
  algorithm: string;
  blob: string;
  fingerprint: string;
  comment: string;
  created_at: Defaulted<Date>;
  last_used_at: Date | null;
}

interface GroupTable {
  id: GeneratedAlways<number>;
  name: string;
  /** Seconds; 0: for ever; null: it does not say. */
  retention: number | null;
  created_at: Defaulted<Date>;
}

interface GroupMemberTable {
  group_id: number;
  user_id: number;
}

interface MachineTable {
  /** Taken from the sequence before the insert: the sealed credential is bound to it. */
  id: Fixed<number>;
  name: string;
  kind: MachineKind;
  host: string;
  port: number;
  login: string;
  auth_type: AuthType;
  /** Null for kinds of auth without a secret. */
  credential: Sealed | null;
  host_key: string | null;
  host_key_policy: HostKeyPolicy;
  algorithms: Defaulted<MachineAlgorithms>;
  /** A machine's name; null: reached directly. */
  jump: string | null;
  recording: RecordingPolicy;
  /** Seconds; 0: for ever; null: as the node's setting says. */
  retention: number | null;
  /** Whether what is recorded there can be searched. */
  indexed: Defaulted<boolean>;
  record_input: Defaulted<boolean>;
  /** Null: not said. */
  shell_integration: MarkedShell | null;
  container: ColumnType<ContainerPlace | null, string | null, string | null>;
  pod: ColumnType<PodPlace | null, string | null, string | null>;
  tags: ColumnType<Record<string, string>, string, string>;
  description: string;
  /** What it is a service of; null: of no stack. */
  stack_id: number | null;
  service: string | null;
  last_connected_at: Date | null;
  created_at: Defaulted<Date>;
  updated_at: Defaulted<Date>;
}

interface GrantTable {
  id: GeneratedAlways<number>;
  user_id: number | null;
  group_id: number | null;
  machine_id: number | null;
  tag_key: string | null;
  tag_value: string | null;
  stack_id: number | null;
  logins: string[];
  allow: Capability[];
  forward_to: string[];
  from_networks: string[];
  until: Date | null;
  max_session: number | null;
  idle_timeout: number | null;
  mfa: Defaulted<boolean>;
  end_on_alert: Defaulted<boolean>;
  shell_integration: Defaulted<boolean>;
  approval_user_id: number | null;
  approval_group_id: number | null;
  level: AccessLevel | null;
  created_at: Defaulted<Date>;
}

interface SessionTable {
  id: GeneratedAlways<number>;
  user_id: number | null;
  user_name: Fixed<string>;
  user_email: Fixed<string | null>;
  machine_id: number | null;
  machine_name: Fixed<string>;
  machine_host: Fixed<string>;
  /** These change when the user of a container session comes. */
  login: string;
  kind: SessionKind;
  status: Defaulted<SessionStatus>;
  node: string;
  started_at: Fixed<Date>;
  last_activity: Date;
  ended_at: Date | null;
  end_reason: EndReason | null;
  exit_status: number | null;
  ip_address: string;
  user_agent: string;
  bytes_in: Defaulted<number>;
  bytes_out: Defaulted<number>;
  commands_count: Defaulted<number>;
  approval_id: number | null;
  approved_by: string | null;
  approval_reason: string | null;
  hold_at: Date | null;
  hold_by: string | null;
  hold_reason: string | null;
  /** Its machine was out of search when it was removed. */
  unsearched: Defaulted<boolean>;
}

interface SessionChannelTable {
  id: GeneratedAlways<number>;
  session_id: Fixed<number>;
  number: Fixed<number>;
  kind: Fixed<ChannelKind>;
  command: Fixed<string | null>;
  pty: Fixed<boolean>;
  started_at: Fixed<Date>;
  ended_at: Date | null;
  exit_status: number | null;
  exit_signal: string | null;
  bytes_in: Defaulted<number>;
  bytes_out: Defaulted<number>;
}

interface TransferTable {
  id: GeneratedAlways<number>;
  session_id: Fixed<number>;
  channel: Fixed<number>;
  /** Of the event in its channel, from 1. */
  number: Fixed<number>;
  protocol: Fixed<TransferProtocol>;
  operation: Fixed<TransferOperation>;
  path: Fixed<string>;
  target: Fixed<string | null>;
  direction: Fixed<TransferDirection>;
  bytes_read: Fixed<number>;
  bytes_written: Fixed<number>;
  result: Fixed<string>;
  sha256: Fixed<string | null>;
  sequential: Fixed<boolean>;
  started_at: Fixed<Date>;
  duration: Fixed<number>;
}

interface TokenTable {
  id: GeneratedAlways<number>;
  user_id: Fixed<number | null>;
  kind: Fixed<TokenKind>;
  name: string;
  scopes: Scope[];
  hash: Fixed<string>;
  created_at: Defaulted<Date>;
  expires_at: Fixed<Date | null>;
  last_used_at: Date | null;
}

interface SignInTable {
  hash: Fixed<string>;
  user_id: Fixed<number>;
  expires_at: Fixed<Date>;
}

interface CertificateAuthorityTable {
  id: GeneratedAlways<number>;
  name: Fixed<string>;
  algorithm: string;
  blob: string;
  fingerprint: string;
  match_user_name: boolean;
  principals: ColumnType<PrincipalMap, string, string>;
  created_at: Defaulted<Date>;
}

interface RevocationTable {
  id: GeneratedAlways<number>;
  kind: Fixed<RevocationKind>;
  value: Fixed<string>;
  authority: Fixed<string>;
  reason: Fixed<string>;
  created_at: Defaulted<Date>;
}

interface NodeTable {
  id: string;
  process: string;
  sign: Defaulted<number>;
  seen_at: Defaulted<Date>;
}
