import type { AccessLevel, MachineLevel } from './access-level.ts';
import type { Approver } from './approval.ts';
import type { Capability } from './capability.ts';
import type { Page, PageRequest } from './page.ts';

export type GrantTo = { readonly userId: number } | { readonly groupId: number };

export type GrantOn =
  | { readonly machineId: number }
  /** The machines that its services are. */
  | { readonly stackId: number }
  | { readonly tag: { readonly key: string; readonly value: string } };

/** Who may reach which machines as which logins, with which capabilities, until when. */
export interface NewGrant {
  readonly to: GrantTo;
  readonly on: GrantOn;
  /** Empty: the machine's default login alone. */
  readonly logins: readonly string[];
  readonly allow: readonly Capability[];
  /** `HOST:PORT`, `CIDR:PORT`, `*:PORT` or `unix:PATH`; for forwards (domain/forward.ts). */
  readonly forwardTo: readonly string[];
  /** CIDR networks; empty: from everywhere. */
  readonly fromNetworks: readonly string[];
  readonly until: Date | null;
  /** Seconds; null: no limit. */
  readonly maxSession: number | null;
  /** Seconds without a byte either way; null: no limit. */
  readonly idleTimeout: number | null;
  /** Counts for whoever has proved a second factor alone; left out: for everybody. */
  readonly mfa?: boolean;
  /** Whether an alert ends its sessions; left out: it does not. */
  readonly endOnAlert?: boolean;
  /** Whether its shells may be made to mark their commands; left out: they may not. */
  readonly shellIntegration?: boolean;
  /** Who has to approve each session that rests on this grant; null: nobody. */
  readonly approval: Approver | null;
}

export interface Grant extends NewGrant {
  readonly id: number;
  readonly mfa: boolean;
  readonly endOnAlert: boolean;
  readonly shellIntegration: boolean;
  /** What it was given as (access-level.ts); null: it is a grant as any other, made with its terms. */
  readonly level: AccessLevel | null;
  readonly createdAt: Date;
}

/** Implemented by store/grants.ts. */
export interface GrantStore {
  get(id: number): Promise<Grant | null>;
  list(
    filter: { userId?: number; groupId?: number; machineId?: number },
    page: PageRequest,
  ): Promise<Page<Grant>>;
  /** All grants to this user or to one of these groups. */
  forUser(userId: number, groups: readonly number[]): Promise<readonly Grant[]>;
  create(grant: NewGrant): Promise<Grant>;
  remove(id: number): Promise<boolean>;
  /**
   * Makes `levels`, of a machine each, all that the user has been given as levels; other grants stay as they are.
   * What is on a machine that is not there is not in `after`. By machine; null: no such user.
   */
  setLevels(
    userId: number,
    levels: readonly MachineLevel[],
  ): Promise<{
    readonly before: readonly MachineLevel[];
    readonly after: readonly MachineLevel[];
  } | null>;
}
