import type { Alert, AlertStore } from './alert.ts';
import type { AnalysisStore } from './analysis.ts';
import type { ApprovalStore } from './approval.ts';
import type { ArchiveStore } from './archive.ts';
import type { AuditStore } from './audit.ts';
import type { AuthorityStore, RevocationStore } from './certificate.ts';
import type { ContainerSessionStore, StackActionStore } from './container-session.ts';
import type { CountStore } from './counters.ts';
import type { EnteredContainerStore } from './entered-container.ts';
import type { FactorStore } from './factor.ts';
import type { GrantStore } from './grant.ts';
import type { RecordingStore } from './kept-recording.ts';
import type { MachineStore } from './machine.ts';
import type { NodeStore } from './nodes.ts';
import type { PlaceStore } from './place.ts';
import type { SealStore } from './seal.ts';
import type { SealFeedStore } from './seal-sink.ts';
import type { SearchStore } from './search.ts';
import type { SessionStore } from './session.ts';
import type { FeedStore } from './sink.ts';
import type { StackStore } from './stack.ts';
import type { StandingStore } from './standing.ts';
import type { TokenStore } from './token.ts';
import type { TransferStore } from './transfer.ts';
import type { GroupStore, UserStore } from './user.ts';

/** The noun stores over one database (or over one transaction of it). */
export interface Stores {
  readonly users: UserStore;
  readonly factors: FactorStore;
  readonly groups: GroupStore;
  readonly machines: MachineStore;
  readonly grants: GrantStore;
  readonly approvals: ApprovalStore;
  readonly sessions: SessionStore;
  readonly counts: CountStore;
  readonly places: PlaceStore;
  readonly enteredContainers: EnteredContainerStore;
  readonly transfers: TransferStore;
  readonly tokens: TokenStore;
  readonly audit: AuditStore;
  readonly standing: StandingStore;
  readonly authorities: AuthorityStore;
  readonly revocations: RevocationStore;
  readonly nodes: NodeStore;
  readonly seals: SealStore;
  readonly sealFeed: SealFeedStore;
  readonly recordings: RecordingStore;
  readonly analyses: AnalysisStore;
  readonly archive: ArchiveStore;
  readonly search: SearchStore;
  readonly alerts: AlertStore;
  readonly alertFeed: FeedStore<Alert>;
  readonly stacks: StackStore;
  readonly containerSessions: ContainerSessionStore;
  readonly stackActions: StackActionStore;
}

/** The database. Implemented by store/database.ts, over PostgreSQL and over embedded PGlite. */
export interface Store extends Stores {
  /** What it is, for people: `PostgreSQL 15.4` or `embedded PGlite (PostgreSQL 18.6)`. */
  readonly description: string;
  /** All of `work` or nothing of it. */
  transaction<T>(work: (stores: Stores) => Promise<T>): Promise<T>;
  /** True when it answers within a second. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
