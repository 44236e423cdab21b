import type { ContainerPlace } from './container-place.ts';
import type { Page, PageRequest } from './page.ts';
import type { PodPlace } from './pod-place.ts';
import type { RecordingPolicy } from './recording.ts';
import type { Secret } from './secret.ts';
import type { MarkedShell } from './shell-integration.ts';

/** Where ssh connects to unless told otherwise. */
export const SSH_PORT = 22;

export const MACHINE_KINDS = ['ssh', 'docker', 'kubernetes'] as const;
export type MachineKind = (typeof MACHINE_KINDS)[number];

/**
 * `accept-new`: trust the first host key and pin it (OpenSSH's StrictHostKeyChecking=accept-new);
 * `strict`: connect only to a pinned one.
 */
export const HOST_KEY_POLICIES = ['accept-new', 'strict'] as const;
export type HostKeyPolicy = (typeof HOST_KEY_POLICIES)[number];

/**
 * What a machine may be spoken to with. `old`: also SHA-1, CBC and fixed groups, for machines that
 * have nothing else (docs/algorithms.md); who can change the traffic can then break into it.
 */
export const MACHINE_ALGORITHMS = ['modern', 'old'] as const;
export type MachineAlgorithms = (typeof MACHINE_ALGORITHMS)[number];

export const AUTH_TYPES = [
  'key',
  'password',
  'bastion_key',
  'certificate',
  'agent',
  'none',
] as const;
export type AuthType = (typeof AUTH_TYPES)[number];

/** What Postern logs in to a machine with. `privateKey`: OpenSSH or PEM text, not encrypted. */
export type MachineCredential =
  | { readonly type: 'key'; readonly privateKey: Secret }
  | { readonly type: 'password'; readonly password: Secret }
  | { readonly type: 'bastion_key' }
  /** A certificate of Postern's own authority, made for each session. */
  | { readonly type: 'certificate' }
  /** The keys of the user's own forwarded agent (`ssh -A`); docs/forwarding.md. */
  | { readonly type: 'agent' }
  | { readonly type: 'none' };

/** What is reached. Holds no secret: those go in through NewMachine and come out of `credential`. */
export interface Machine {
  readonly id: number;
  readonly name: string;
  readonly kind: MachineKind;
  /** Of a container: what it is called, for people. */
  readonly host: string;
  /** 0 for a container, which is reached through its engine. */
  readonly port: number;
  /** What a machine of kind `docker` is; null for others. */
  readonly container: ContainerPlace | null;
  /** What a machine of kind `kubernetes` is; null or left out: another kind. */
  readonly pod?: PodPlace | null;
  /** The default login; of a container: whom its programs run as. */
  readonly login: string;
  readonly authType: AuthType;
  /** `ALGORITHM BASE64` as in known_hosts, pinned; null: none yet. */
  readonly hostKey: string | null;
  readonly hostKeyPolicy: HostKeyPolicy;
  readonly algorithms: MachineAlgorithms;
  /** The name of the machine that it is reached through; null: directly. */
  readonly jump: string | null;
  readonly recording: RecordingPolicy;
  /** Seconds that its recordings are kept; 0: for ever; null: as the node's setting says. */
  readonly retention: number | null;
  /** Whether what is recorded there can be searched. */
  readonly indexed: boolean;
  /** What users type under a terminal is recorded too, as far as it was echoed. */
  readonly recordInput: boolean;
  /** The shell that its logins have, for the script that marks commands; null or left out: not said. */
  readonly shellIntegration?: MarkedShell | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
  /** The stack whose service it is; null or left out: none's. */
  readonly stackId?: number | null;
  readonly service?: string | null;
  readonly lastConnectedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewMachine {
  readonly name: string;
  readonly kind: MachineKind;
  readonly host: string;
  readonly port: number;
  /** Null if not given. */
  readonly container?: ContainerPlace | null;
  /** Null if not given. */
  readonly pod?: PodPlace | null;
  readonly login: string;
  readonly credential: MachineCredential;
  readonly hostKey: string | null;
  readonly hostKeyPolicy: HostKeyPolicy;
  /** `modern` if not given. */
  readonly algorithms?: MachineAlgorithms;
  /** Directly if not given. */
  readonly jump?: string | null;
  readonly recording: RecordingPolicy;
  /** Null if not given. */
  readonly retention?: number | null;
  /** True if not given. */
  readonly indexed?: boolean;
  /** False if not given. */
  readonly recordInput?: boolean;
  /** Null if not given. */
  readonly shellIntegration?: MarkedShell | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
}

/** Implemented by store/machines.ts, which encrypts credentials with the secret key. */
export interface MachineStore {
  get(id: number): Promise<Machine | null>;
  getByName(name: string): Promise<Machine | null>;
  list(
    filter: { tag?: { key: string; value: string }; search?: string; ids?: readonly number[] },
    page: PageRequest,
  ): Promise<Page<Machine>>;
  /** Names of the machines that are reached through this one; at most 10. */
  behind(name: string): Promise<readonly string[]>;
  /**
   * What a client means by a host and port: the machine of this name (on port 22 or its own), then
   * those at this address, by name; at most 100. Case does not count.
   */
  reachedAs(host: string, port: number): Promise<readonly Machine[]>;
  /** All machines, for the access decision of a user who named none; at most 1000, by name. */
  all(): Promise<readonly Machine[]>;
  /** Throws `thing.exists` when the name is taken. */
  create(machine: NewMachine): Promise<Machine>;
  update(id: number, change: Partial<NewMachine>): Promise<Machine | null>;
  /**
   * Removes the machine and the grants on it alone; its sessions keep the name. Throws
   * `thing.in_use` when others are reached through it (inside a transaction: at its end).
   */
  remove(id: number): Promise<boolean>;
  credential(id: number): Promise<MachineCredential | null>;
  /** Pins a host key where none is pinned; answers what is pinned now. */
  pinHostKey(id: number, hostKey: string): Promise<string | null>;
  connected(id: number, at: Date): Promise<void>;
}
