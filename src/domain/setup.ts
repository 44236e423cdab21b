import type { NewGrant } from './grant.ts';
import type { NewMachine } from './machine.ts';
import type { Role } from './role.ts';
import type { NewUserKey } from './user.ts';

/**
 * What `postern apply` wants there to be, names instead of ids, secrets already read. Idempotent:
 * applied twice, the second time changes nothing.
 */
export interface Setup {
  readonly users: readonly SetupUser[];
  readonly groups: readonly SetupGroup[];
  readonly machines: readonly SetupMachine[];
  readonly grants: readonly SetupGrant[];
}

export interface SetupUser {
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  readonly keys: readonly NewUserKey[];
  /** In the clear; hashed on the way in. Null: the password is left as it is. */
  readonly password: string | null;
}

export interface SetupGroup {
  readonly name: string;
  /** User names. */
  readonly members: readonly string[];
}

export type SetupMachine = Omit<NewMachine, 'hostKey'> & {
  /** Null: the pinned key is left as it is. */
  readonly hostKey: string | null;
};

export type SetupGrant = Omit<NewGrant, 'to' | 'on'> & {
  readonly to: { readonly user: string } | { readonly group: string };
  readonly on:
    | { readonly machine: string }
    | { readonly tag: { readonly key: string; readonly value: string } };
};

/** One thing that applying changes (or would change). */
export interface SetupChange {
  readonly action: 'create' | 'update' | 'remove';
  readonly kind: 'user' | 'key' | 'group' | 'machine' | 'grant';
  readonly name: string;
  /** The fields that differ, for an update. */
  readonly fields: readonly string[];
}

/** Implemented by control/apply.ts. All changes in one transaction, or none. */
export interface SetupApplier {
  /**
   * Throws `request.invalid` with problems that name the field (`grants[1].on.machine`) when
   * something refers to what is neither in the setup nor in the store.
   */
  apply(
    setup: Setup,
    options: { readonly dryRun: boolean; readonly prune: boolean; readonly actor: string },
  ): Promise<readonly SetupChange[]>;
}
