import { printable } from './printable.ts';

export type UpstreamErrorKind =
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'host-key'
  | 'auth'
  | 'protocol'
  | 'aborted';

const KIND_OF_CODE: Readonly<Record<string, UpstreamErrorKind>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EAI_FAIL: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EACCES: 'unreachable',
};

const KIND_OF_LEVEL: Readonly<Record<string, UpstreamErrorKind>> = {
  'client-authentication': 'auth',
  'client-timeout': 'timeout',
};

interface Told {
  readonly code?: unknown;
  readonly level?: unknown;
  readonly errors?: readonly unknown[];
}

/** The kind of an error of the socket or of ssh2. */
export function kindOf(error: Error): UpstreamErrorKind {
  const told = error as Error & Told;
  // A name with several addresses fails with one error for each; the first one will do.
  const [first] = (told.errors ?? []) as readonly Told[];
  const code = String(told.code ?? first?.code);
  return KIND_OF_CODE[code] ?? KIND_OF_LEVEL[String(told.level)] ?? 'protocol';
}

/** What an error says, fit for a log. */
export function textOf(error: Error): string {
  return printable(error.message === '' ? kindOf(error) : error.message);
}
