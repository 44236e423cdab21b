import { createHash } from 'node:crypto';
import type { Guesser } from '../domain/attempts.ts';
import type { SignedIn, Wanted } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { type Enrolment, type FactorNeed, MAX_CODE } from '../domain/factor.ts';
import type { Grant } from '../domain/grant.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import type { CodeVerdict, SecondFactors } from '../domain/second-factors.ts';
import { Secret } from '../domain/secret.ts';
import type { Account } from '../domain/standing.ts';
import type { Stores } from '../domain/store.ts';
import { isGranted } from '../domain/visibility.ts';
import { namedMachine } from './named-machine.ts';
import { newTotpSecret, otpauthUri, randomBase32, stepOfCode } from './totp.ts';

const ISSUER = 'Postern';

const RECOVERY_CODES = 10;
/** 80 bits: no hash that takes its time is needed to keep them. */
const RECOVERY_BYTES = 10;

type FactorStores = Pick<Stores, 'standing' | 'machines' | 'factors'>;

type Proof = Omit<Extract<CodeVerdict, { outcome: 'right' }>, 'outcome'>;

/** Codes of authenticator apps (RFC 6238), and the recovery codes for when the app is lost. */
export class SecondFactor implements SecondFactors {
  readonly #stores: FactorStores;
  readonly #guesses: GuessLimit;
  readonly #now: () => Date;

  constructor(stores: FactorStores, guesses: GuessLimit, now: () => Date = () => new Date()) {
    this.#stores = stores;
    this.#guesses = guesses;
    this.#now = now;
  }

  /**
   * What must be asked of a user on the way to `wanted`: a code where they must always prove a second
   * factor or a grant in force there demands it, on whatever machine when none is named.
   */
  async need({ userId }: SignedIn, wanted: Wanted): Promise<FactorNeed> {
    const { account, grants } = await this.#standing(userId);
    const needed = account.totp === 'required' || (await this.#demanded(grants, wanted.machine));
    return needed ? ofWhoNeedsOne(account) : 'none';
  }

  /** What the console asks for, which is behind every grant: a code of whoever has one. */
  async needAtConsole(userId: number): Promise<FactorNeed> {
    const { account } = await this.#standing(userId);
    const needed = account.totp === 'required' || account.enrolled !== null;
    return needed ? ofWhoNeedsOne(account) : 'none';
  }

  /** A new secret for a user without one. Throws `access.nothing` when there is a confirmed one. */
  async begin({ userId, userName }: Pick<SignedIn, 'userId' | 'userName'>): Promise<Enrolment> {
    const secret = newTotpSecret();
    if (!(await this.#stores.factors.begin(userId, new Secret(secret)))) {
      throw new PosternError('access.nothing');
    }
    return { uri: otpauthUri(secret, userName, ISSUER), secret };
  }

  /** Counts as an attempt to sign in; when it is right the failures before it are forgotten. */
  async check(
    { userId, userName }: Pick<SignedIn, 'userId' | 'userName'>,
    code: string,
    address: string,
  ): Promise<CodeVerdict> {
    const guesser: Guesser = { name: userName, address };
    const guess = await this.#guesses.attempt(guesser, () => this.#proof(userId, code));
    if (guess.outcome === 'right') {
      await this.#guesses.succeeded(guesser);
      return { outcome: 'right', ...guess.found };
    }
    return { outcome: 'wrong', reason: guess.outcome === 'wrong' ? 'code' : 'penalty' };
  }

  async #standing(userId: number): Promise<{ account: Account; grants: readonly Grant[] }> {
    const { accounts, grants } = await this.#stores.standing.of([userId], [], []);
    const [account] = accounts;
    if (account === undefined) throw new PosternError('access.nothing');
    return { account, grants };
  }

  async #demanded(grants: readonly Grant[], name: string | null): Promise<boolean> {
    const now = this.#now();
    const strict = grants.filter(({ mfa, until }) => mfa && (until === null || until > now));
    if (strict.length === 0 || name === null) return strict.length > 0;
    const named = await namedMachine(this.#stores.machines, name);
    return named !== null && isGranted(named.machine, strict, now);
  }

  /** Null when the code is wrong, or was used. */
  async #proof(userId: number, given: string): Promise<Proof | null> {
    if (given.length > MAX_CODE) return null;
    const stored = await this.#stores.factors.get(userId);
    if (stored === null) return null;
    const step = stepOfCode(stored.secret.expose(), given, this.#now());
    if (stored.confirmedAt === null) return step === null ? null : this.#confirm(userId, step);
    const method = await this.#use(userId, given, step);
    if (method === null) return null;
    return { method, enrolled: stored.confirmedAt.getTime(), recoveryCodes: [] };
  }

  async #use(
    userId: number,
    given: string,
    step: number | null,
  ): Promise<'totp' | 'recovery_code' | null> {
    const { factors } = this.#stores;
    if (step !== null) return (await factors.use(userId, step)) ? 'totp' : null;
    const used = await factors.useRecovery(userId, recoveryHash(userId, given));
    return used ? 'recovery_code' : null;
  }

  async #confirm(userId: number, step: number): Promise<Proof | null> {
    const recoveryCodes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    const recoveryHashes = recoveryCodes.map((code) => recoveryHash(userId, code));
    const at = this.#now();
    const confirmed = await this.#stores.factors.confirm(userId, { at, step, recoveryHashes });
    return confirmed ? { method: 'enrolment', enrolled: at.getTime(), recoveryCodes } : null;
  }
}

/** Whether the second factor that was proved at sign-in is still the one that the user has. */
export function holdsFactor({ secondFactor }: SignedIn, { enrolled }: Account): boolean {
  return enrolled !== null && secondFactor === enrolled;
}

function ofWhoNeedsOne({ enrolled }: Account): FactorNeed {
  return enrolled === null ? 'enrol' : 'code';
}

/** `abcd-efgh-jklm-nopq`. */
function newRecoveryCode(): string {
  return randomBase32(RECOVERY_BYTES)
    .toLowerCase()
    .replace(/.{4}(?=.)/g, '$&-');
}

/** Case, hyphens and spaces do not matter. */
function recoveryHash(userId: number, code: string): string {
  const bare = code.toLowerCase().replace(/[\s-]/g, '');
  return createHash('sha256').update(`postern recovery ${userId} ${bare}`).digest('hex');
}
