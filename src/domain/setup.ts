import type { Capability } from './capability.ts';
import type { NewCertificateAuthority } from './certificate.ts';
import type { TotpPolicy } from './factor.ts';
import type { NewGrant } from './grant.ts';
import type { HostKeyPolicy, MachineAlgorithms, NewMachine } from './machine.ts';
import type { RecordingPolicy } from './recording.ts';
import type { Role } from './role.ts';
import type { SearchKind } from './search.ts';
import type { MarkedShell } from './shell-integration.ts';
import type { NewStack } from './stack.ts';
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
  /** Left out: as they are, pruning or not. */
  readonly certificateAuthorities?: readonly NewCertificateAuthority[];
  /** Left out: as they are, pruning or not. */
  readonly alerts?: readonly SetupAlert[];
  /** Left out: as they are, pruning or not. */
  readonly stacks?: readonly NewStack[];
}

/** A rule for alerts; names of a machine or a group, at most one. */
export interface SetupAlert {
  readonly name: string;
  readonly pattern: string;
  readonly kind: SearchKind | null;
  readonly machine: string | null;
  readonly group: string | null;
}

export interface SetupUser {
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  readonly keys: readonly NewUserKey[];
  /** In the clear; hashed on the way in. Null: the password is left as it is. */
  readonly password: string | null;
  /** Left out: optional. */
  readonly totp?: TotpPolicy;
}

export interface SetupGroup {
  readonly name: string;
  /** User names. */
  readonly members: readonly string[];
  /** As Group's; left out: null. */
  readonly retention?: number | null;
}

export type SetupMachine = Omit<NewMachine, 'hostKey'> & {
  /** Null: the pinned key is left as it is. */
  readonly hostKey: string | null;
};

export type SetupGrant = Omit<NewGrant, 'to' | 'on' | 'approval'> & {
  readonly to: { readonly user: string } | { readonly group: string };
  /** Who has to approve; null: nobody. */
  readonly approval: { readonly user: string } | { readonly group: string } | null;
  readonly on:
    | { readonly machine: string }
    | { readonly stack: string }
    | { readonly tag: { readonly key: string; readonly value: string } };
};

/** One thing that applying changes (or would change). */
export interface SetupChange {
  readonly action: 'create' | 'update' | 'remove';
  readonly kind:
    | 'user'
    | 'key'
    | 'group'
    | 'machine'
    | 'grant'
    | 'certificate_authority'
    | 'alert_rule'
    | 'stack';
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
    options: {
      readonly dryRun: boolean;
      readonly prune: boolean;
      /** Who applies it, and from which address (null: the server itself), for the audit. */
      readonly actor: string;
      readonly source: string | null;
    },
  ): Promise<readonly SetupChange[]>;
}

/**
 * `POST /v1/setup` as `postern apply` sends it: Setup with the API's names. Keys are lines of
 * `authorized_keys`, times ISO 8601, durations seconds. Lists may be left out; nothing else.
 */
export interface SetupRequest {
  readonly users?: readonly {
    readonly name: string;
    readonly email: string | null;
    readonly role: Role;
    readonly keys: readonly string[];
    readonly password: string | null;
    readonly totp: TotpPolicy;
  }[];
  readonly groups?: readonly SetupGroup[];
  readonly machines?: readonly SetupRequestMachine[];
  readonly grants?: readonly SetupRequestGrant[];
  readonly certificate_authorities?: readonly SetupRequestAuthority[];
  readonly alerts?: readonly SetupAlert[];
  readonly stacks?: readonly SetupRequestStack[];
  readonly dry_run: boolean;
  readonly prune: boolean;
}

export type SetupRequestMachine = SetupRequestReach & {
  readonly name: string;
  readonly login: string;
  readonly recording: RecordingPolicy;
  /** Seconds; 0: for ever; null: as the bastion's setting says. */
  readonly retention: number | null;
  /** Left out: true. */
  readonly index?: boolean;
  readonly record_input: boolean;
  /** Left out: null. */
  readonly shell_integration?: MarkedShell | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
};

/** How a machine is reached: what each kind has. */
export type SetupRequestReach =
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: number;
      readonly auth:
        | { readonly type: 'key'; readonly private_key: string }
        | { readonly type: 'password'; readonly password: string }
        | { readonly type: 'bastion_key' }
        | { readonly type: 'certificate' }
        | { readonly type: 'agent' }
        | { readonly type: 'none' };
      /** The name of another machine. */
      readonly jump: string | null;
      /** `ALGORITHM BASE64`; null: the pinned key is left as it is. */
      readonly host_key: string | null;
      readonly host_key_policy: HostKeyPolicy;
      readonly algorithms: MachineAlgorithms;
    }
  | {
      readonly kind: 'docker';
      readonly engine: string;
      readonly container: string | { readonly stack: string; readonly service: string };
      readonly shell: readonly string[];
    }
  | {
      readonly kind: 'kubernetes';
      readonly cluster: string;
      readonly namespace: string;
      /** It, or `selector`. */
      readonly pod?: string;
      readonly selector?: Readonly<Record<string, string>>;
      /** Null: the one that the pod says. */
      readonly container: string | null;
      readonly shell: readonly string[];
    };

export interface SetupRequestStack {
  readonly name: string;
  readonly kind: NewStack['kind'];
  /** Null: of a stack of kind `server`. */
  readonly engine: string | null;
  readonly project: string;
  readonly stack_label: string;
  readonly service_label: string;
  readonly login: string;
  readonly recording: RecordingPolicy;
  readonly session_limit: number;
  readonly over_limit: NewStack['overLimit'];
}

export interface SetupRequestAuthority {
  readonly name: string;
  /** A line of a `.pub` file. */
  readonly key: string;
  readonly match_user_name: boolean;
  readonly principals: Readonly<Record<string, readonly string[]>>;
}

export interface SetupRequestGrant {
  readonly to: SetupGrant['to'];
  readonly on: SetupGrant['on'];
  readonly logins: readonly string[];
  readonly allow: readonly Capability[];
  readonly forward_to: readonly string[];
  readonly from_networks: readonly string[];
  readonly until: string | null;
  readonly max_session: number | null;
  readonly idle_timeout: number | null;
  readonly mfa: boolean;
  /** Left out: false. */
  readonly end_on_alert?: boolean;
  /** Left out: false. */
  readonly shell_integration?: boolean;
  /** Left out: nobody has to approve. */
  readonly approval?: { readonly by: NonNullable<SetupGrant['approval']> } | null;
}
