import type {
  HostKeyPolicy,
  MachineAlgorithms,
  MachineCredential,
  MachineKind,
} from '../domain/machine.ts';

/** How a machine is to be reached, as it was asked for; what was left out is undefined. */
export interface AskedReach {
  readonly kind: MachineKind;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly auth?: MachineCredential | undefined;
  readonly jump?: string | null | undefined;
  readonly hostKey?: string | null | undefined;
  readonly hostKeyPolicy?: HostKeyPolicy | undefined;
  readonly algorithms?: MachineAlgorithms | undefined;
  readonly engine?: string | undefined;
  /** Null: what the pod says. */
  readonly container?:
    | string
    | { readonly stack: string; readonly service: string }
    | null
    | undefined;
  readonly shell?: readonly string[] | undefined;
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly selector?: Readonly<Record<string, string>> | undefined;
}

/** What the fields are called where they were asked for. */
export interface ReachNames {
  /** `machines[3].`; empty: they stand by themselves. */
  readonly before: string;
  readonly jump: string;
}
