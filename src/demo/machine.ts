import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Algorithms, type AuthContext } from 'ssh2';
import { type Logger, reasonOf } from '../domain/log.ts';
import { loadHostKey } from '../ssh/host-key.ts';
import { createSshServer, type GuardedConnection } from '../ssh/server.ts';
import { type KeptKey, keepKey } from './keys.ts';
import { endSessions } from './process-group.ts';
import { type SessionOptions, serveSession } from './session.ts';
import { chooseShell, findSftpServer } from './shell.ts';

/** The only address that it is ever bound to: it gives a shell. */
const LOOPBACK = '127.0.0.1';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface DemoOptions {
  /** Its keys are kept in `demo` under this directory. */
  readonly dataDir: string;
  readonly log: Logger;
  /** As `serverAlgorithms` of the ssh room makes them. */
  readonly algorithms: Algorithms;
  /** The shell to give; null, or one that cannot be run: the account's own. */
  readonly shell?: string | null;
  /** PATH of the programs. */
  readonly path?: string | null;
  /** Anything but the loopback address is refused. */
  readonly host?: string;
}

export interface DemoMachine {
  readonly host: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`, to pin. */
  readonly hostKeyLine: string;
  /** The one key that it lets in, in OpenSSH's form. */
  readonly privateKey: string;
  /** The one login that it lets in: the account that runs this process. */
  readonly login: string;
  /** Ends every program that was started through it. Idempotent. */
  close(): Promise<void>;
}

/** Lets in one login with one key, and nothing else; a key without a signature is a question. */
function authenticator(login: string, key: KeptKey): (context: AuthContext) => void {
  const known = ssh2.utils.parseKey(key.publicLine);
  if (known instanceof Error) throw new Error('the demo key cannot be read', { cause: known });
  const blob = known.getPublicSSH();
  return (context) => {
    const right =
      context.method === 'publickey' &&
      context.username === login &&
      blob.equals(context.key.data) &&
      (context.signature === undefined ||
        (context.blob !== undefined &&
          known.verify(context.blob, context.signature, context.hashAlgo) === true));
    if (right) context.accept();
    else context.reject(['publickey']);
  };
}

function serve(
  guarded: GuardedConnection,
  authenticate: (context: AuthContext) => void,
  options: SessionOptions,
): void {
  const { connection } = guarded;
  connection.on('error', () => undefined);
  connection.on('authentication', authenticate);
  connection.on('session', (accept) => serveSession(accept(), options));
}

/**
 * The demo machine of `postern serve --demo`: a real SSH server in this process, on loopback and a
 * free port, that gives the shell of the account which runs Postern. The ssh room's guards must be
 * installed before. Rejects when the address is not loopback or the keys cannot be kept.
 */
export async function startDemoMachine(options: DemoOptions): Promise<DemoMachine> {
  if (options.host !== undefined && options.host !== LOOPBACK) {
    throw new Error(`the demo machine gives a shell, so it listens on ${LOOPBACK} alone`);
  }
  const directory = join(options.dataDir, 'demo');
  const hostKey = loadHostKey(keepKey(directory, 'machine_host_key').privatePem);
  const clientKey = keepKey(directory, 'machine_client_key');
  const { username, homedir } = userInfo();
  const shell = chooseShell(options.shell ?? null);
  const marker = randomBytes(16).toString('hex');
  const sessions = new Set<number>();
  const sessionOptions: SessionOptions = {
    shell,
    sftpServer: findSftpServer(),
    home: homedir,
    env: {
      PATH: options.path ?? DEFAULT_PATH,
      HOME: homedir,
      USER: username,
      LOGNAME: username,
      SHELL: shell,
      LANG: 'C.UTF-8',
      POSTERN_DEMO: marker,
    },
    started: (program) => {
      if (program.pid !== null) sessions.add(program.pid);
    },
    // A pid is free for others once its program has ended: from then on the marker finds the rest.
    ended: (program) => {
      if (program.pid !== null) sessions.delete(program.pid);
    },
    failed: (error) =>
      options.log.warn('demo machine: program failed', { reason: reasonOf(error) }),
  };
  const authenticate = authenticator(username, clientKey);
  const server = createSshServer({
    hostKey,
    ident: 'OpenSSH_9.9 Postern_demo',
    algorithms: options.algorithms,
    onConnection: (guarded) => serve(guarded, authenticate, sessionOptions),
  });
  const { host, port } = await server.listen(LOOPBACK, 0);
  options.log.info('demo machine ready', { host, port, login: username });

  const close = async (): Promise<void> => {
    await server.close();
    await server.destroyAll('the demo machine is closing');
    endSessions(sessions, `POSTERN_DEMO=${marker}`);
  };
  let closing: Promise<void> | null = null;
  return {
    host,
    port,
    hostKeyLine: hostKey.publicLine,
    privateKey: clientKey.privatePem,
    login: username,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
