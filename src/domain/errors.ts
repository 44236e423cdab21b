import { APPROVAL_ERRORS } from './approval-errors.ts';
import { CLUSTER_ERRORS } from './cluster-errors.ts';
import { ENCRYPTION_ERRORS } from './encryption-errors.ts';
import { ENGINE_ERRORS } from './engine-errors.ts';
import type { CatalogueEntry } from './error-entry.ts';
import { LIMIT_ERRORS } from './limit-errors.ts';
import { LIVE_ERRORS } from './live-errors.ts';
import { MACHINE_FAILURES } from './machine-failures.ts';
import { REDACTION_ERRORS } from './redaction-errors.ts';
import { SEARCH_ERRORS } from './search-errors.ts';
import { SIGN_IN_FAILURES } from './sign-in-failures.ts';
import { STACK_ERRORS } from './stack-errors.ts';
import { STORE_ERRORS } from './store-errors.ts';
import { TERMINAL_ERRORS } from './terminal-errors.ts';

/**
 * Every sentence that a user or a client of the API can see about a failure (invariant 6): code,
 * HTTP status, SSH exit status, text. `{name}` in a text is filled from the error's parameters.
 * Causes go to the log alone.
 */

export const CATALOGUE = {
  // The API
  'request.invalid': { api: 'BAD_REQUEST', exit: 255, text: 'the request is not valid' },
  'request.unauthorized': {
    api: 'UNAUTHORIZED',
    exit: 255,
    text: 'a valid token is needed: Authorization: Bearer TOKEN',
  },
  'request.forbidden': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'this token lacks the scope {scope}',
  },
  'request.not_found': { api: 'NOT_FOUND', exit: 255, text: 'there is no such thing here' },
  'request.method': { api: 'BAD_REQUEST', exit: 255, text: '{method} is not possible on {path}' },
  'request.rate_limited': {
    api: 'RATE_LIMITED',
    exit: 255,
    text: 'too many requests; try again in {seconds} s',
  },
  'request.too_large': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'the body of the request is larger than {limit} bytes',
  },
  'request.range': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'no such range: there are {size} bytes',
  },
  'request.cross_site': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'this request did not come from a page of this site',
  },
  'console.sign_in': {
    api: 'UNAUTHORIZED',
    exit: 255,
    text: 'wrong user name or password',
  },
  'console.link': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'this sign-in link has been used or has expired',
  },
  'thing.not_found': { api: 'NOT_FOUND', exit: 255, text: 'no {kind} {id}' },
  'thing.exists': { api: 'CONFLICT', exit: 255, text: 'there is a {kind} named {name} already' },
  'thing.in_use': { api: 'CONFLICT', exit: 255, text: '{kind} {name} is in use: {by}' },
  'session.already_ended': {
    api: 'CONFLICT',
    exit: 255,
    text: 'session {id} has already ended',
  },
  'session.node_died': {
    api: 'CONFLICT',
    exit: 255,
    text: 'session {id} has already ended: its node {node} died',
  },
  'session.unconfirmed': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'node {node}, which holds session {id}, did not confirm its end; try again',
  },
  'recording.none': { api: 'NOT_FOUND', exit: 255, text: 'session {id} has no recording' },
  'recording.no_channel': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'session {id} has no recording of channel {channel}',
  },
  'recording.missing': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'the recording of session {id} is not where it was stored',
  },
  'recording.deleted': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'the recording of session {id} was deleted on {at} by {by}',
  },
  'recording.held': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the recordings of session {id} are under legal hold',
  },
  'recording.not_held': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the recordings of session {id} are not under legal hold',
  },
  'recording.live': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the recording of session {id} is still being written',
  },
  'recording.elsewhere': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the recording of session {id} is on the node {node}: it can be deleted there',
  },
  'recording.damaged': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'the recording of session {id} is damaged: its first line is no asciicast header',
  },
  'recording.away': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the recording of session {id} cannot be fetched from its store now; try again later',
  },
  'recording.altered': {
    api: 'CONFLICT',
    exit: 255,
    text: 'what the store has in the place of the recording of session {id} is not what was sent there',
  },
  'recording.no_room_here': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'there is no room to fetch the recording of session {id}; try again later',
  },
  ...ENCRYPTION_ERRORS,
  ...LIVE_ERRORS,
  ...REDACTION_ERRORS,
  ...TERMINAL_ERRORS,
  ...SEARCH_ERRORS,
  ...STACK_ERRORS,
  ...STORE_ERRORS,
  'control.down': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the bastion does not answer; try again later',
  },
  internal: { api: 'INTERNAL', exit: 255, text: 'an internal error; the log has it' },

  // The gateway: what a user reads after `postern: `
  'access.no_machine': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'name a machine: {user}+MACHINE. You may reach: {machines}',
  },
  'access.nothing': { api: 'FORBIDDEN', exit: 255, text: 'you may reach no machine' },
  'access.unknown_machine': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'no machine {machine} that you may reach',
  },
  'access.read_only': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'you may see {machine}, but not connect to it',
  },
  'access.login': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'no grant allows you the login {login} on {machine}',
  },
  'access.capability': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'no grant allows you {capability} on {machine}',
  },
  'access.destination': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'no grant allows you {capability} with {place} on {machine}',
  },
  'access.network': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'your grant on {machine} is not valid from this address',
  },
  'access.expired': { api: 'FORBIDDEN', exit: 255, text: 'your grant on {machine} has expired' },
  'access.unsupported': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'your grant on {machine} demands {demand}, which this version cannot ask for',
  },
  'transfer.unreadable': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'what is not SFTP version 3 is not let through: you may only {capability} on {machine}',
  },
  ...APPROVAL_ERRORS,
  ...MACHINE_FAILURES,
  'client.gone': { api: 'CONFLICT', exit: 255, text: 'nobody waits for this any more' },
  'forward.prohibited': {
    api: 'FORBIDDEN',
    exit: 255,
    text: '{machine} does not allow forwarding with {place}',
  },
  'forward.failed': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} could not open {place}: {reason}',
  },
  ...SIGN_IN_FAILURES,
  'recording.refused': {
    api: 'UNAVAILABLE',
    exit: 254,
    text: 'this session must be recorded and cannot be, so it was not started',
  },
  'recording.no_room': {
    api: 'UNAVAILABLE',
    exit: 254,
    text: 'this session must be recorded and there is too little room left for it, so it was not started',
  },
  'recording.broke': {
    api: 'UNAVAILABLE',
    exit: 254,
    text: 'this session must be recorded and its recording broke, so it was ended',
  },
  'session.terminated': {
    api: 'CONFLICT',
    exit: 255,
    text: 'this session was ended by {by}',
  },
  'session.draining': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the bastion is shutting down',
  },
  'menu.idle': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the menu had no key for {minutes} minutes',
  },
  ...CLUSTER_ERRORS,
  ...ENGINE_ERRORS,
  ...LIMIT_ERRORS,
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

export type ErrorCode = keyof typeof CATALOGUE;

export type ErrorParams = Readonly<Record<string, string | number>>;

/** One bad field of a request: where it is, what was wrong with it. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** The text of a catalogue entry with its parameters filled in. */
export function sentence(code: ErrorCode, params: ErrorParams = {}): string {
  return CATALOGUE[code].text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : String(value);
  });
}

/** A failure that its receiver may read. `message` is the catalogue's sentence; `cause` is for the log. */
export class PosternError extends Error {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  readonly problems: readonly FieldProblem[];

  constructor(
    code: ErrorCode,
    params: ErrorParams = {},
    options: { readonly cause?: unknown; readonly problems?: readonly FieldProblem[] } = {},
  ) {
    super(
      sentence(code, params),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'PosternError';
    this.code = code;
    this.params = params;
    this.problems = options.problems ?? [];
  }
}
