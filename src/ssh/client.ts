import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Algorithms, type AnyAuthMethod, type Client } from 'ssh2';
import { presentAgent } from './agent-auth.ts';
import { presentCertificate } from './certificate-auth.ts';
import { fingerprint } from './host-key.ts';
import { library, type OwnerInternals } from './internals.ts';
import { guardConnection, installGuards } from './library.ts';
import { printable } from './printable.ts';
import { DEFAULT_LIMITS } from './server.ts';
import { hangUp } from './transport.ts';
import { authMethods, problemWith, type UpstreamAuth } from './upstream-auth.ts';
import { kindOf, textOf, type UpstreamErrorKind } from './upstream-error.ts';
import { WireReader } from './wire.ts';

export type { UpstreamAuth } from './upstream-auth.ts';
export type { UpstreamErrorKind } from './upstream-error.ts';

/** Why a machine could not be reached. The message is safe to log: no control characters. */
export class UpstreamError extends Error {
  readonly kind: UpstreamErrorKind;

  constructor(kind: UpstreamErrorKind, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'UpstreamError';
    this.kind = kind;
  }
}

export interface UpstreamHostKey {
  readonly algorithm: string;
  /** The public key as it goes over the wire. */
  readonly blob: Buffer;
  readonly fingerprint: string;
}

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly auth: UpstreamAuth;
  /** Asked once per connection; a re-key must bring the same key. A rejection counts as no. */
  verifyHostKey(key: UpstreamHostKey): Promise<boolean>;
  readonly algorithms: Algorithms;
  /** Whether an RSA key may sign with SHA-1 for machines that name no other; false if not given. */
  readonly sha1Signatures?: boolean;
  /** From the dial to a finished authentication, host-key question included. */
  readonly readyTimeoutMs: number;
  /** Between two keepalive questions to a silent machine; after three unanswered it is dead. 0: none. */
  readonly keepaliveMs: number;
  readonly signal?: AbortSignal;
  /** Instead of a TCP connection to host and port: a channel through another machine. */
  readonly sock?: Duplex;
  /** After `SSH-2.0-`. */
  readonly ident?: string;
  /** Other bounds on the machine than those of the server; re-keying too. */
  readonly limits?: Partial<typeof DEFAULT_LIMITS>;
}

type Fail = (error: UpstreamError) => void;

/** Asks about the host key once; ssh2 asks again at each re-key, and waits then for no promise. */
function verifier(options: UpstreamOptions, fail: Fail) {
  let known: Buffer | undefined;
  return (blob: Buffer, verify: (permitted: boolean) => void): boolean | undefined => {
    if (known) {
      if (!known.equals(blob)) fail(new UpstreamError('host-key', 'the host key changed'));
      return known.equals(blob);
    }
    const copy = Buffer.from(blob);
    known = copy;
    const algorithm = printable(new WireReader(copy, 0).text() ?? '');
    const decide = (permitted: boolean) => {
      if (!permitted) fail(new UpstreamError('host-key', 'the host key was not accepted'));
      // Too late: ssh2 throws when the connection is already gone.
      else verify(true);
    };
    Promise.resolve()
      .then(() => options.verifyHostKey({ algorithm, blob: copy, fingerprint: fingerprint(copy) }))
      .then((permitted) => permitted === true)
      .catch(() => false)
      .then(decide)
      .catch(() =>
        fail(new UpstreamError('protocol', 'the connection ended during the host key check')),
      );
    return undefined;
  };
}

/** ssh2 would sign with SHA-1 for servers that do not say which RSA signatures they take. */
function neverSignWithSha1(client: Client): void {
  const { _protocol: protocol } = client as unknown as OwnerInternals;
  const flag = library().compat.IMPLY_RSA_SHA2_SIGALGS;
  let flags = protocol._compatFlags;
  Object.defineProperty(protocol, '_compatFlags', {
    get: () => flags | flag,
    set: (value: number) => {
      flags = value;
    },
  });
}

/**
 * Connects to a machine and authenticates with one method; a password is also given to a single
 * hidden prompt where only keyboard-interactive is offered. Rejects once, always with an
 * `UpstreamError`. Whatever goes wrong later, 'close' follows on the client, and 'error' has a
 * listener for its whole life.
 */
export function connectClient(options: UpstreamOptions): Promise<Client> {
  installGuards();
  return new Promise((resolve, reject) => {
    const problem = problemWith(options.auth);
    if (problem) return reject(new UpstreamError('auth', problem));
    if (options.signal?.aborted) return reject(new UpstreamError('aborted', 'aborted'));
    const client = new ssh2.Client();
    const attempt = new Attempt(client, options, reject);
    client.once('ready', () => {
      if (attempt.settle()) resolve(client);
    });
    attempt.start();
  });
}

/** One try to reach a machine, until it is ready or has failed. */
class Attempt {
  readonly #client: Client;
  readonly #options: UpstreamOptions;
  readonly #reject: Fail;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.#fail(new UpstreamError('aborted', 'aborted'));
  #settled = false;
  #sock: Duplex | undefined;

  constructor(client: Client, options: UpstreamOptions, reject: Fail) {
    this.#client = client;
    this.#options = options;
    this.#reject = reject;
    this.#timer = setTimeout(
      () => this.#fail(new UpstreamError('timeout', 'the machine was not ready in time')),
      options.readyTimeoutMs,
    );
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** True the first time. */
  settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }

  readonly #fail: Fail = (error) => {
    const sock = this.#sock;
    if (sock) hangUp(sock)();
    if (this.settle()) this.#reject(error);
  };

  start(): void {
    const { host, port, auth, username } = this.#options;
    const client = this.#client;
    const sock = this.#options.sock ?? connect({ host, port, noDelay: true, keepAlive: true });
    this.#sock = sock;
    client.on('error', (error) =>
      this.#fail(new UpstreamError(kindOf(error), textOf(error), { cause: error })),
    );
    client.on('close', () =>
      this.#fail(new UpstreamError('protocol', 'the machine closed the connection')),
    );
    client.on('change password', () =>
      this.#fail(new UpstreamError('auth', 'the password has expired')),
    );
    const next = authMethods(auth, username);
    client.connect({
      sock,
      username,
      algorithms: this.#options.algorithms,
      readyTimeout: 0,
      keepaliveInterval: this.#options.keepaliveMs,
      keepaliveCountMax: 3,
      hostVerifier: verifier(this.#options, this.#fail),
      authHandler: (methods: readonly string[] | null) => next(methods) as AnyAuthMethod,
      ...(this.#options.ident === undefined ? {} : { ident: this.#options.ident }),
    });
    guardConnection(client as unknown as OwnerInternals, {
      ...DEFAULT_LIMITS,
      ...this.#options.limits,
    });
    if (this.#options.sha1Signatures !== true) neverSignWithSha1(client);
    if (auth.type === 'certificate') presentCertificate(client as unknown as OwnerInternals, auth);
    if (auth.type === 'agent') presentAgent(client as unknown as OwnerInternals, auth);
  }
}
