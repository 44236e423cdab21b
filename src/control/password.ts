import {
  type BinaryLike,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';
import { PosternError } from '../domain/errors.ts';
import { MAX_PASSWORD, type Passwords } from '../domain/password.ts';

const derive: (
  password: BinaryLike,
  salt: BinaryLike,
  length: number,
  options: ScryptOptions,
) => Promise<Buffer> = promisify(scrypt);

/** log2 of N; with r 8 one hash takes 32 MiB and some 50 to 100 ms of one core. */
const COST = 15;
const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Hashes at a time: half of libuv's four threads, so that a flood leaves the disk and DNS theirs. */
const AT_A_TIME = 2;

/** Hashes that may wait; with two at a time the last waits some five seconds. */
const MOST_WAITING = 100;

interface Parts {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Reads `$scrypt$ln=15,r=8,p=1$SALT$HASH` (the PHC string format); null when it is something else. */
function parse(text: string): Parts | null {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,88})\$([A-Za-z0-9+/]{22,88})$/.exec(
      text,
    );
  if (match === null) return null;
  const [, cost, blockSize, parallelism, salt = '', hash = ''] = match;
  const parts = {
    cost: Number(cost),
    blockSize: Number(blockSize),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  // At most 128 MiB and four times the work of today's: a later version may raise the cost.
  const fits = parts.cost >= 10 && parts.cost <= 17 && parts.blockSize === BLOCK_SIZE;
  return fits && parts.parallelism === 1 ? parts : null;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** The same characters typed on different systems are the same password. */
function normal(password: string): string {
  return password.normalize('NFKC');
}

/** scrypt (RFC 7914). A flood of guesses waits its turn, and is refused when too many wait. */
export class ScryptPasswords implements Passwords {
  readonly #nobody: Parts = {
    cost: COST,
    blockSize: BLOCK_SIZE,
    parallelism: PARALLELISM,
    salt: randomBytes(SALT_BYTES),
    hash: randomBytes(HASH_BYTES),
  };
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(normal(password), { ...this.#nobody, salt });
    const cost = `ln=${COST},r=${BLOCK_SIZE},p=${PARALLELISM}`;
    return `$scrypt$${cost}$${unpadded(salt)}$${unpadded(hash)}`;
  }

  /** Rejects with `request.rate_limited` when too many hashes wait already. */
  async verify(password: string, hash: string | null): Promise<boolean> {
    const stored = hash === null ? null : parse(hash);
    const long = Buffer.byteLength(password) > MAX_PASSWORD;
    const against = stored ?? this.#nobody;
    const found = await this.#derive(long ? '' : normal(password), against);
    return timingSafeEqual(found, against.hash) && stored !== null && !long;
  }

  async #derive(password: string, parts: Parts): Promise<Buffer> {
    await this.#turn();
    try {
      const { cost, blockSize, parallelism } = parts;
      return await derive(password, parts.salt, parts.hash.length, {
        N: 2 ** cost,
        r: blockSize,
        p: parallelism,
        maxmem: 2 * 128 * blockSize * 2 ** cost,
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Settles when it is this caller's turn; its end hands the turn on. */
  #turn(): Promise<void> {
    if (this.#running < AT_A_TIME) {
      this.#running++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= MOST_WAITING) {
      return Promise.reject(new PosternError('request.rate_limited', { seconds: 5 }));
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
