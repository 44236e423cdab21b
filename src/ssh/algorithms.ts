import ssh2, {
  type Algorithms,
  type CipherAlgorithm,
  type KexAlgorithm,
  type MacAlgorithm,
  type ServerHostKeyAlgorithm,
} from 'ssh2';
import type { MachineAlgorithms } from '../domain/machine.ts';
import type { ClientAge } from '../domain/ssh-manners.ts';
import { forServer, generateHostKey, loadHostKey } from './host-key.ts';
import { HYBRID_KEX, hybridKexWorks } from './hybrid-kex.ts';
import { installGuards } from './library.ts';
import { memoryPair } from './memory-pair.ts';

/** Which ciphers really work in this process: the library's own list is not to be trusted. */
export interface WorkingAlgorithms {
  readonly ciphers: readonly string[];
  readonly failed: readonly string[];
}

/** As ssh2's Algorithms, whole and as lists. */
interface OfferedLists {
  readonly kex: KexAlgorithm[];
  readonly serverHostKey: ServerHostKeyAlgorithm[];
  readonly cipher: CipherAlgorithm[];
  readonly hmac: MacAlgorithm[];
  readonly compress: 'none'[];
}

const DEADLINE_MS = 5_000;
const ECHO_BYTES = 100_000;

/** In the order that the target leg, where we choose, prefers. */
const CIPHERS: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];
const MACS: MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
];
/** What no client guesses first (see kex-guess.ts); the order is otherwise the client's. */
const FIRST_KEX: KexAlgorithm = 'curve25519-sha256@libssh.org';
/** Nothing that costs much: P-521 or group 16 would let anybody stop this process. */
const SERVER_KEX: Readonly<Record<ClientAge, readonly KexAlgorithm[]>> = {
  strict: ['curve25519-sha256'],
  modern: ['curve25519-sha256'],
  // For clients in FIPS mode, and for those from before X25519.
  old: [
    'curve25519-sha256',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'diffie-hellman-group14-sha256',
  ],
};
const SERVER_MACS: Readonly<Record<ClientAge, readonly MacAlgorithm[]>> = {
  strict: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'],
  // The last one is the only one of Dropbear, of libssh2 before 1.11, and so of Debian 12's curl.
  modern: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256'],
  old: MACS,
};
/** No group exchange: ssh2 takes any prime, of 512 bits too. No SHA-1. */
const CLIENT_KEX: KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
];
/** For machines that have nothing else; no group exchange here either, and no DSA. */
const OLD: Omit<OfferedLists, 'compress'> = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  serverHostKey: ['ssh-rsa'],
  cipher: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
  hmac: ['hmac-sha1'],
};
const CLIENT_HOST_KEYS: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * One handshake and echo per cipher, in memory, each with a deadline of five seconds. With ssh2's
 * addon on Node 24 ChaCha20-Poly1305 fails; never rejects for a cipher, only if none works.
 */
export async function testCiphers(): Promise<WorkingAlgorithms> {
  installGuards();
  const key = forServer(loadHostKey(generateHostKey().privatePem));
  const server = new ssh2.Server({ hostKeys: [{ key }], algorithms: { cipher: [...CIPHERS] } });
  server.on('connection', (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => context.accept());
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const channel = acceptExec();
        channel.pipe(channel);
      });
    });
  });
  const results = await Promise.all(
    CIPHERS.map(async (cipher) => ({ cipher, works: await echoes(server, cipher) })),
  );
  const ciphers = results.filter(({ works }) => works).map(({ cipher }) => cipher);
  if (ciphers.length === 0) throw new Error('No SSH cipher works in this process.');
  return { ciphers, failed: CIPHERS.filter((cipher) => !ciphers.includes(cipher)) };
}

function echoes(server: ssh2.Server, cipher: CipherAlgorithm): Promise<boolean> {
  const [near, far] = memoryPair();
  const client = new ssh2.Client();
  return new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), DEADLINE_MS);
    client.on('error', () => resolve(false));
    client.on('close', () => resolve(false));
    client.on('ready', () => echo(client, resolve));
    far.on('error', () => undefined);
    server.injectSocket(far as Parameters<typeof server.injectSocket>[0]);
    client.connect({ sock: near, username: 'test', algorithms: { cipher: [cipher] } });
    client.on('close', () => clearTimeout(timer));
  }).finally(() => {
    near.destroy();
    far.destroy();
  });
}

function echo(client: ssh2.Client, resolve: (works: boolean) => void): void {
  client.exec('echo', (error, channel) => {
    if (error) return resolve(false);
    const sent = Buffer.alloc(ECHO_BYTES, 'postern ');
    const got: Buffer[] = [];
    channel.on('data', (bytes: Buffer) => {
      got.push(bytes);
      const all = Buffer.concat(got);
      if (all.length >= sent.length) resolve(all.equals(sent));
    });
    channel.write(sent);
  });
}

/** The types of ssh2 name only what it has by itself. */
function hybrid(): KexAlgorithm[] {
  return hybridKexWorks() ? [HYBRID_KEX as KexAlgorithm] : [];
}

function working(tested: WorkingAlgorithms): CipherAlgorithm[] {
  return CIPHERS.filter((cipher) => tested.ciphers.includes(cipher));
}

/** What the server offers its clients: ed25519 host key alone, no compression, nothing slow. */
export function serverAlgorithms(
  tested: WorkingAlgorithms,
  clients: ClientAge = 'modern',
): Algorithms {
  return {
    kex: [FIRST_KEX, ...hybrid(), ...SERVER_KEX[clients]],
    serverHostKey: ['ssh-ed25519'],
    cipher: serverCiphers(tested),
    hmac: [...SERVER_MACS[clients]],
    compress: ['none'],
  };
}

/** What we offer machines, by what each is set to; `old` prefers what is modern all the same. */
export function machineAlgorithms(
  tested: WorkingAlgorithms,
): Readonly<Record<MachineAlgorithms, Algorithms>> {
  const modern = clientAlgorithms(tested);
  const old = {
    ...modern,
    kex: [...modern.kex, ...OLD.kex],
    serverHostKey: [...modern.serverHostKey, ...OLD.serverHostKey],
    cipher: [...modern.cipher, ...OLD.cipher],
    hmac: [...modern.hmac, ...OLD.hmac],
  };
  return { modern, old };
}

/**
 * The client's order wins, and OpenSSH's begins with ChaCha20, which costs this process more than
 * AES-GCM does: the one way to choose is to leave it out where there is anything else.
 */
function serverCiphers(tested: WorkingAlgorithms): CipherAlgorithm[] {
  const all = working(tested);
  const cheap = all.filter((cipher) => !cipher.startsWith('chacha20'));
  return cheap.length > 0 ? cheap : all;
}

/** What we offer machines; older ones may have RSA host keys, but not with SHA-1. */
export function clientAlgorithms(tested: WorkingAlgorithms): OfferedLists {
  return {
    kex: [...hybrid(), ...CLIENT_KEX],
    serverHostKey: [...CLIENT_HOST_KEYS],
    cipher: working(tested),
    hmac: [...MACS],
    compress: ['none'],
  };
}
