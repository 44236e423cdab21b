/**
 * Keeps the compiled addon's cipher objects from aborting the process. Since Node 24 the base class
 * of these objects asks for the current environment when it is destroyed, and when the garbage
 * collector runs between two turns of the event loop there is none: the process ends with
 * "Assertion failed: (env) != nullptr". So each cipher is held when ssh2 is done with it, and let go
 * in batches, by a collection that runs while JavaScript does. The addon that our setup builds does
 * not need this (native-crypto.ts); one that `npm rebuild` or an image brought does.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { library } from './internals.ts';

/** Ciphers held before a collection; each is some hundred bytes, a connection needs two. */
const BATCH = 4_096;

interface Held {
  readonly weak: WeakRef<object>;
  strong: object | undefined;
}

/** Objects that may only be destroyed while JavaScript runs. */
export class Keeper {
  readonly #batch: number;
  #held: Held[] = [];
  #sweeping = false;

  constructor(batch: number) {
    this.#batch = batch;
  }

  get size(): number {
    return this.#held.length;
  }

  hold(object: object): void {
    this.#held.push({ weak: new WeakRef(object), strong: object });
    if (this.#held.length < this.#batch || this.#sweeping) return;
    this.#sweeping = true;
    setImmediate(() => {
      this.#sweeping = false;
      this.#sweep();
    });
  }

  /** Lets go, collects, and takes back what somebody else still refers to. */
  #sweep(): void {
    for (const held of this.#held) held.strong = undefined;
    collect();
    this.#held = this.#held.filter((held) => {
      held.strong = held.weak.deref();
      return held.strong !== undefined;
    });
  }
}

let collector: (() => void) | undefined;

function collect(): void {
  if (!collector) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}

interface FreeableCipher {
  readonly _instance?: object;
  free(): void;
}

const SAMPLES = [
  ['aes128-gcm@openssh.com', undefined],
  ['aes128-ctr', 'hmac-sha2-256'],
  ['chacha20-poly1305@openssh.com', undefined],
] as const;

/** One object of each class that ssh2 uses for this cipher; it does not export the classes. */
export function sampleCiphers(cipher: string, mac?: string): readonly [object, object] {
  const { CIPHER_INFO, MAC_INFO, createCipher, createDecipher } = library().crypto;
  const info = CIPHER_INFO[cipher];
  const macInfo = mac === undefined ? undefined : MAC_INFO[mac];
  const key = Buffer.alloc(info?.keyLen ?? 0);
  const iv = Buffer.alloc(info?.ivLen ?? 0);
  const macKey = Buffer.alloc(macInfo?.len ?? 0);
  const nothing = () => undefined;
  const common = { seqno: 0, macInfo, macKey };
  const outbound = { ...common, onWrite: nothing, cipherInfo: info, cipherKey: key, cipherIV: iv };
  const inbound = {
    ...common,
    onPayload: nothing,
    decipherInfo: info,
    decipherKey: key,
    decipherIV: iv,
  };
  return [createCipher({ outbound, inbound }), createDecipher({ outbound, inbound })];
}

/** Holds the compiled part of every cipher from the moment that ssh2 has freed it. */
export function installCipherKeeper(): void {
  if (!library().crypto.bindingAvailable) return;
  const keeper = new Keeper(BATCH);
  for (const [cipher, mac] of SAMPLES) {
    for (const sample of sampleCiphers(cipher, mac) as readonly FreeableCipher[]) {
      const prototype: FreeableCipher = Object.getPrototypeOf(sample);
      const free = prototype.free;
      prototype.free = function freeAndHold(this: FreeableCipher) {
        if (this._instance) keeper.hold(this._instance);
        free.call(this);
      };
      sample.free();
    }
  }
}
