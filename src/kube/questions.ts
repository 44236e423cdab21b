import type { Pod } from '../domain/cluster.ts';

/** What the thread with the library is started with. */
export interface LibrarySettings {
  /** Absolute; null: there is no kubeconfig. */
  readonly kubeconfig: string | null;
  /** What stands before the path of a service account's files; empty: nothing. */
  readonly root: string;
}

/** How a cluster is spoken to, by whom. */
export interface Access {
  /** `https://HOST[:PORT][/PATH]`, without a slash at its end. */
  readonly server: string;
  /** PEM; left out: the system's authorities. */
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  /** The name that the server's certificate has to have; left out: its host's. */
  readonly servername?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the thread is asked, and what it answers to that. */
export interface Answers {
  readonly access: Access;
  /** Null: there is none. */
  readonly pod: Pod | null;
  readonly pods: readonly Pod[];
}

export type Asked =
  | { readonly what: 'access' }
  | { readonly what: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly what: 'pods'; readonly namespace: string; readonly selector: string };

export interface Question {
  readonly id: number;
  readonly cluster: string;
  readonly asked: Asked;
}

/** As the codes of domain/cluster-errors.ts. */
export type FailureKind = 'setting' | 'unreachable' | 'refused' | 'no_pod';

export type Answer =
  | { readonly id: number; readonly value: Answers[keyof Answers] }
  | {
      readonly id: number;
      readonly failed: FailureKind;
      readonly reason: string;
      readonly detail: string;
    };
