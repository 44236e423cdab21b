/**
 * Key exchange that stays secret before a quantum computer too: `mlkem768x25519-sha256`
 * (draft-ietf-sshm-mlkem-hybrid-kex), ML-KEM-768 (FIPS 203) beside X25519. ssh2 knows neither the
 * name nor a way to add one: its exchanges are made in a closure. So it is shown a KEXINIT that
 * agrees on X25519, and what it makes of that is turned into the hybrid before its first packet; the
 * exchange hash is made over the KEXINIT that really came.
 */
import * as crypto from 'node:crypto';
import { type KexInternals, library, type ProtocolInternals } from './internals.ts';
import { WireReader, wireString } from './wire.ts';

export const HYBRID_KEX = 'mlkem768x25519-sha256';
const CLASSIC_KEX = 'curve25519-sha256';
const COOKIE = 16;

/** Sizes in bytes (FIPS 203 section 8, RFC 7748). */
const ENCAPSULATION_KEY = 1184;
const CIPHERTEXT = 1088;
const X25519_KEY = 32;

/** The DER of a SubjectPublicKeyInfo up to the key itself. */
const MLKEM_SPKI = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

let works: boolean | undefined;

/** Whether this Node (24.7 or newer, with OpenSSL 3.5) has ML-KEM. */
export function hybridKexWorks(): boolean {
  works ??= tryIt();
  return works;
}

function tryIt(): boolean {
  if (typeof crypto.encapsulate !== 'function') return false;
  try {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ml-kem-768');
    const { sharedKey, ciphertext } = crypto.encapsulate(publicKey);
    return crypto.decapsulate(privateKey, ciphertext).equals(sharedKey);
  } catch {
    return false;
  }
}

/** K = SHA-256(K_PQ || K_CL); it is hashed as a string, 32 bytes whatever the first one is. */
export function hybridSecret(postQuantum: Uint8Array, classic: Uint8Array): Buffer {
  return crypto.createHash('sha256').update(postQuantum).update(classic).digest();
}

function publicKey(prefix: Buffer, raw: Uint8Array): crypto.KeyObject {
  const key = Buffer.concat([prefix, raw]);
  return crypto.createPublicKey({ key, format: 'der', type: 'spki' });
}

function rawKey(key: crypto.KeyObject, bytes: number): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-bytes);
}

/** The keys of one exchange on one side. Its methods throw for keys of the peer that are none. */
export class HybridKeys {
  readonly #server: boolean;
  readonly #x25519 = crypto.generateKeyPairSync('x25519');
  readonly #mlkem: crypto.KeyPairKeyObjectResult | undefined;
  #ciphertext: Buffer | undefined;

  constructor(server: boolean) {
    this.#server = server;
    this.#mlkem = server ? undefined : crypto.generateKeyPairSync('ml-kem-768');
  }

  /** C_INIT, or S_REPLY once the client's half is known. */
  public(): Buffer {
    const first = this.#mlkem ? rawKey(this.#mlkem.publicKey, ENCAPSULATION_KEY) : this.#ciphertext;
    if (!first) throw new Error('nothing to answer yet');
    return Buffer.concat([first, rawKey(this.#x25519.publicKey, X25519_KEY)]);
  }

  secret(other: Buffer): Buffer {
    const size = this.#server ? ENCAPSULATION_KEY : CIPHERTEXT;
    if (other.length !== size + X25519_KEY) throw new Error('a public value of a wrong length');
    const postQuantum = this.#agree(other.subarray(0, size));
    const classic = crypto.diffieHellman({
      privateKey: this.#x25519.privateKey,
      publicKey: publicKey(X25519_SPKI, other.subarray(size)),
    });
    return hybridSecret(postQuantum, classic);
  }

  #agree(other: Buffer): Buffer {
    if (this.#mlkem) return crypto.decapsulate(this.#mlkem.privateKey, other);
    const made = crypto.encapsulate(publicKey(MLKEM_SPKI, other));
    this.#ciphertext = made.ciphertext;
    return made.sharedKey;
  }
}

/** Makes the exchange that ssh2 has just built for X25519 one of the hybrid. */
function upgrade(kex: KexInternals, server: boolean, kexinit: Buffer): void {
  const keys = new HybridKeys(server);
  kex.type = 'mlkem768x25519';
  kex.negotiated.kex = HYBRID_KEX;
  kex._remoteKexinit = kexinit;
  kex.generateKeys = () => undefined;
  kex.getPublicKey = () => keys.public();
  kex.convertPublicKey = (key) => key;
  kex.computeSecret = (other) => {
    try {
      return keys.secret(other);
    } catch (error) {
      return error instanceof Error ? error : new Error('no secret');
    }
  };
}

interface Offer {
  readonly kex: readonly string[];
  /** Where what follows the list begins. */
  readonly rest: Buffer;
}

function offerOf(payload: Buffer): Offer | undefined {
  const reader = new WireReader(payload, 1 + COOKIE);
  const kex = reader.list();
  return kex && { kex, rest: reader.rest() };
}

/** RFC 4253 section 7.1: the first of the client's methods that the server has too. */
function agreesOnHybrid(protocol: ProtocolInternals, theirs: readonly string[]): boolean {
  const ours = protocol._offer.lists.kex.array;
  if (!ours.includes(HYBRID_KEX) || !ours.includes(CLASSIC_KEX)) return false;
  const [client, server] = protocol._server ? [theirs, ours] : [ours, theirs];
  return client.find((name) => server.includes(name)) === HYBRID_KEX;
}

/** Runs ssh2's handling of a KEXINIT; where both sides want the hybrid, the exchange becomes one. */
export function handleHybrid(
  protocol: ProtocolInternals,
  payload: Buffer,
  handle: (payload: Buffer) => unknown,
): unknown {
  const offer = offerOf(payload);
  if (!offer || !agreesOnHybrid(protocol, offer.kex)) return handle(payload);
  const kexinit = Buffer.from(payload);
  const shown = [CLASSIC_KEX, ...offer.kex.filter((name) => /^(ext-info|kex-strict)-/.test(name))];
  let kex = protocol._kex;
  // ssh2 sends a client's half in the turn in which it makes the exchange.
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    enumerable: true,
    get: () => kex,
    set: (made: KexInternals) => {
      upgrade(made, protocol._server, kexinit);
      kex = made;
    },
  });
  try {
    const head = kexinit.subarray(0, 1 + COOKIE);
    return handle(Buffer.concat([head, wireString(shown.join(',')), offer.rest]));
  } finally {
    Object.defineProperty(protocol, '_kex', {
      configurable: true,
      enumerable: true,
      writable: true,
      value: kex,
    });
  }
}

/** Lets ssh2 take the method's name in a list of algorithms; the rest is done for each exchange. */
export function installHybridKex(): void {
  const { supportedKex } = library();
  if (hybridKexWorks() && !supportedKex.includes(HYBRID_KEX)) supportedKex.push(HYBRID_KEX);
}
