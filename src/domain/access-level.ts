import type { Capability } from './capability.ts';

/** What somebody may do with a machine, from most to least: enter it with files, without them, or see it alone. */
export const ACCESS_LEVELS = ['full', 'connect_only', 'read_only'] as const;

export type AccessLevel = (typeof ACCESS_LEVELS)[number];

/** At most so many are given to one user. */
export const MOST_LEVELS = 1000;

/** What is given to a user as a level instead of as a grant's terms (`PUT /v1/users/:id/permissions`). */
export interface MachineLevel {
  readonly machineId: number;
  readonly level: AccessLevel;
}

/** What tells of a grant how far it goes. */
interface Reach {
  /** Null: as far as its terms. */
  readonly level: AccessLevel | null;
  readonly allow: readonly Capability[];
}

/**
 * What the grant of a level allows: a command can carry files, so `connect_only` has the shell alone. Forwards, the agent
 * and X11 are nothing that a level gives.
 */
export const LEVEL_ALLOWS: Readonly<Record<AccessLevel, readonly Capability[]>> = {
  full: ['shell', 'exec', 'sftp'],
  connect_only: ['shell'],
  read_only: [],
};

/** Any of these lets files over. */
const FILES: readonly Capability[] = ['exec', 'sftp', 'upload', 'download'];

/** False for a grant that makes a machine seen and no more. */
export function letsEnter({ level }: Pick<Reach, 'level'>): boolean {
  return level !== 'read_only';
}

/** The highest level of what grants on one machine allow together; null: there are none. */
export function levelOf(grants: readonly Reach[]): AccessLevel | null {
  const allowed = grants.filter(letsEnter).flatMap(({ allow }) => allow);
  if (allowed.some((one) => FILES.includes(one))) return 'full';
  if (allowed.length > 0) return 'connect_only';
  return grants.length > 0 ? 'read_only' : null;
}
