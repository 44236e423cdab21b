import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { uint32, wireString } from '../../src/ssh/wire.ts';

/** Message numbers of draft-miller-ssh-agent. */
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

export const TOUCHED = 0x01;
export const VERIFIED = 0x04;

/** A security token in software behind an ssh agent's socket. It signs whatever it is asked to. */
export interface TokenAgent extends AsyncDisposable {
  readonly socket: string;
  /** A line of `authorized_keys`. */
  readonly publicKey: string;
  /** What it says of its user with each signature. */
  flags: number;
}

interface Token {
  readonly type: string;
  readonly blob: Buffer;
  sign(message: Buffer): Buffer;
}

const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();

function part(jwk: { readonly [name: string]: unknown }, name: string): Buffer {
  return Buffer.from(String(jwk[name]), 'base64url');
}

function ed25519(application: string): Token {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const type = 'sk-ssh-ed25519@openssh.com';
  const key = part(publicKey.export({ format: 'jwk' }), 'x');
  const blob = Buffer.concat([type, key, application].map(wireString));
  return { type, blob, sign: (message) => sign(null, message, privateKey) };
}

function mpint(bytes: Buffer): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0);
  const bare = bytes.subarray(from);
  return wireString(((bare[0] ?? 0) & 0x80) === 0 ? bare : Buffer.concat([Buffer.of(0), bare]));
}

function ecdsa(application: string): Token {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const type = 'sk-ecdsa-sha2-nistp256@openssh.com';
  const jwk = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), part(jwk, 'x'), part(jwk, 'y')]);
  return {
    type,
    blob: Buffer.concat([type, 'nistp256', point, application].map(wireString)),
    sign(message) {
      const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))]);
    },
  };
}

/** The strings that a message begins with, after its number. */
function strings(message: Buffer, count: number): Buffer[] {
  let at = 1;
  return Array.from({ length: count }, () => {
    const length = message.readUInt32BE(at);
    at += 4 + length;
    return message.subarray(at - length, at);
  });
}

export async function startTokenAgent(
  socket: string,
  kind: 'ed25519' | 'ecdsa',
): Promise<TokenAgent> {
  const application = 'ssh:';
  const token = kind === 'ed25519' ? ed25519(application) : ecdsa(application);
  const clients = new Set<Socket>();
  let counter = 0;
  const agent = { flags: TOUCHED };

  const signature = (data: Buffer): Buffer => {
    counter += 1;
    const said = Buffer.concat([Buffer.of(agent.flags), uint32(counter)]);
    const message = Buffer.concat([sha256(application), said, sha256(data)]);
    return Buffer.concat([wireString(token.type), wireString(token.sign(message)), said]);
  };
  const answer = (message: Buffer): Buffer => {
    if (message[0] === REQUEST_IDENTITIES) {
      const one = [uint32(1), wireString(token.blob), wireString('token')];
      return Buffer.concat([Buffer.of(IDENTITIES_ANSWER), ...one]);
    }
    if (message[0] !== SIGN_REQUEST) return Buffer.of(FAILURE);
    const [key, data] = strings(message, 2);
    if (key === undefined || data === undefined || !key.equals(token.blob)) {
      return Buffer.of(FAILURE);
    }
    return Buffer.concat([Buffer.of(SIGN_RESPONSE), wireString(signature(data))]);
  };

  const server = createServer((client) => {
    clients.add(client);
    let read = Buffer.alloc(0);
    client.on('error', () => undefined);
    client.on('close', () => clients.delete(client));
    client.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      while (read.length >= 4 && read.length >= 4 + read.readUInt32BE(0)) {
        const length = read.readUInt32BE(0);
        client.write(wireString(answer(read.subarray(4, 4 + length))));
        read = read.subarray(4 + length);
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return Object.assign(agent, {
    socket,
    publicKey: `${token.type} ${token.blob.toString('base64')} token`,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
