import {
  CATALOGUE,
  type ErrorCode,
  type ErrorParams,
  type FieldProblem,
  PosternError,
} from '../domain/errors.ts';

/** An error as it goes over the wire: what its receiver may read, and no cause. */
export interface Failure {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  readonly problems: readonly FieldProblem[];
}

/**
 * What goes either way. Values are what the structured clone keeps whole: plain data, Dates, bytes.
 * Each side numbers its own calls.
 */
export type Message =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: Failure };

/** Null: no message of ours. Both ends are of one version, so what is inside is not looked at. */
export function readMessage(message: unknown): Message | null {
  if (typeof message !== 'object' || message === null || !('type' in message)) return null;
  if (!('id' in message) || typeof message.id !== 'number') return null;
  const { type } = message;
  const call = type === 'call' && 'method' in message && 'args' in message;
  const answer = type === 'answer' && 'value' in message;
  const failure = type === 'failure' && 'failure' in message;
  return call || answer || failure ? (message as Message) : null;
}

/** Anything that is not for the receiver to read is `internal`. */
export function toFailure(thrown: unknown): Failure {
  if (!(thrown instanceof PosternError)) return { code: 'internal', params: {}, problems: [] };
  const { code, params, problems } = thrown;
  return { code, params, problems };
}

export function fromFailure({ code, params, problems }: Failure): PosternError {
  return new PosternError(Object.hasOwn(CATALOGUE, code) ? code : 'internal', params, { problems });
}
