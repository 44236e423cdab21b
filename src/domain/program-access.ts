import { type AuthorizedRoute, type Limits, narrowest, permission } from './access.ts';
import { type Capability, capabilityOf } from './capability.ts';
import { scpCommand } from './scp-command.ts';
import type { Program } from './terminal.ts';

/** Which way files may go; `any` also for programs that carry none. */
export type Ways = 'any' | 'upload' | 'download';

/** What a program may do on a route, and under which limits. */
export interface ProgramAccess {
  readonly allowed: true;
  readonly limits: Limits;
  readonly ways: Ways;
}

export type ProgramDecision =
  | ProgramAccess
  | {
      readonly allowed: false;
      readonly code: 'access.capability' | 'access.expired';
      /** What was missing. */
      readonly capability: Capability;
    };

/**
 * Whether some grant in force allows a program, by the capability that it needs. `sftp` is both
 * directions; `upload` and `download` give one each, together both. They, and `sftp`, are also enough
 * for a strict call of scp's old protocol; rsync's server can do more than carry files, and needs
 * `exec`.
 */
export function programAccess(
  route: Pick<AuthorizedRoute, 'terms'>,
  program: Program,
  now: Date,
): ProgramDecision {
  const capability = capabilityOf(program);
  const limits = permission(route, capability, now);
  if (typeof limits !== 'string') return { allowed: true, limits, ways: 'any' };
  const files = filesAccess(route, program, now);
  return files ?? { allowed: false, code: limits, capability };
}

/** Null: it is not about files, or no grant of theirs stands in for the capability. */
function filesAccess(
  route: Pick<AuthorizedRoute, 'terms'>,
  program: Program,
  now: Date,
): ProgramDecision | null {
  const permitted = (capability: Capability): Limits | null => {
    const limits = permission(route, capability, now);
    return typeof limits === 'string' ? null : limits;
  };
  const both = permitted('sftp');
  const up = permitted('upload');
  const down = permitted('download');
  const scp = scpCommand(program);
  if (scp !== null) {
    const { direction } = scp;
    const limits = both ?? (direction === 'upload' ? up : down);
    if (limits !== null) return { allowed: true, limits, ways: direction };
    const other = up ?? down;
    return other && { allowed: false, code: 'access.capability', capability: direction };
  }
  if (program.type !== 'subsystem' || program.name !== 'sftp') return null;
  if (up !== null && down !== null) {
    return { allowed: true, limits: narrowest([up, down]), ways: 'any' };
  }
  if (up !== null) return { allowed: true, limits: up, ways: 'upload' };
  return down && { allowed: true, limits: down, ways: 'download' };
}

/** What a program that has run under `had` has lost by a new decision; null: it may go on. */
export function lostBy(had: Ways, now: ProgramDecision): Capability | null {
  if (!now.allowed) return now.capability;
  if (now.ways === 'any' || now.ways === had) return null;
  return had === 'any' ? 'sftp' : had;
}
