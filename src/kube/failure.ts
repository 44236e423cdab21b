import { printable, reasonOf } from '../domain/log.ts';
import type { FailureKind } from './questions.ts';

/** Why a cluster does not do what was asked. */
export class ClusterFailure extends Error {
  readonly kind: FailureKind;
  /** For the log: users are not told of addresses and files. */
  readonly detail: string;

  /** `message` is for users. */
  constructor(kind: FailureKind, message: string, detail = message) {
    super(message);
    this.kind = kind;
    this.detail = detail;
  }
}

/** What is known of a connection that failed. */
export function unreachable(error: unknown): ClusterFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isTls = /CERT|TLS|SSL|SELF_SIGNED|ISSUER/.test(code);
  const message = isTls
    ? 'its certificate is not accepted'
    : `it does not answer${/^E[A-Z]+$/.test(code) ? ` (${code})` : ''}`;
  return new ClusterFailure('unreachable', message, printable(reasonOf(error), 500));
}
