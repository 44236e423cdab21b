import { auditStates } from '../domain/audit-state.ts';
import type { Passwords } from '../domain/password.ts';
import type { SetupUser } from '../domain/setup.ts';
import type { Stores } from '../domain/store.ts';
import type { User } from '../domain/user.ts';
import { allRows, differing, type SetupWork } from './setup-work.ts';

/** New hashes by user name, for the passwords that are not stored yet. */
export type NewHashes = ReadonlyMap<string, string>;

/**
 * Hashes what has to be hashed, before the transaction: a hash takes a tenth of a second, in which
 * the database must not be held. A password that fits the stored hash is left alone.
 */
export async function newHashes(
  stores: Stores,
  users: readonly SetupUser[],
  passwords: Passwords,
): Promise<NewHashes> {
  const hashes = new Map<string, string>();
  for (const { name, password } of users) {
    if (password === null) continue;
    const user = await stores.users.getByName(name);
    const hash = user === null ? null : await stores.users.passwordHash(user.id);
    if (hash !== null && (await passwords.verify(password, hash))) continue;
    hashes.set(name, await passwords.hash(password));
  }
  return hashes;
}

export async function applyUsers(work: SetupWork, hashes: NewHashes): Promise<void> {
  for (const wanted of work.setup.users) {
    const hash = hashes.get(wanted.name) ?? null;
    const user = await work.stores.users.getByName(wanted.name);
    const id =
      user === null
        ? await createUser(work, wanted, hash)
        : await updateUser(work, user, wanted, hash);
    await applyKeys(work, id, wanted);
  }
}

async function createUser(
  work: SetupWork,
  wanted: SetupUser,
  hash: string | null,
): Promise<number> {
  const { name, email, role, totp = 'optional' } = wanted;
  const user = await work.stores.users.create({ name, email, role, passwordHash: hash, totp });
  await work.changes.note(
    { action: 'create', kind: 'user', name, fields: [] },
    { type: 'user.created', userId: user.id, detail: { role }, states: auditStates(null, user) },
  );
  return user.id;
}

async function updateUser(
  work: SetupWork,
  user: User,
  wanted: SetupUser,
  hash: string | null,
): Promise<number> {
  const { email, role, totp = 'optional' } = wanted;
  const before = { email: user.email, role: user.role, totp: user.totp };
  const fields: string[] = [...differing(before, { email, role, totp })];
  if (hash !== null) fields.push('password');
  if (fields.length === 0) return user.id;
  const changed = await work.stores.users.update(user.id, {
    email,
    role,
    totp,
    ...(hash === null ? {} : { passwordHash: hash }),
  });
  await work.changes.note(
    { action: 'update', kind: 'user', name: user.name, fields },
    {
      type: 'user.changed',
      userId: user.id,
      detail: { role },
      states: auditStates(user, changed),
    },
  );
  return user.id;
}

async function applyKeys(work: SetupWork, userId: number, wanted: SetupUser): Promise<void> {
  const { users } = work.stores;
  const stored = await users.keys(userId);
  const known = new Set(stored.map(({ blob }) => blob));
  for (const key of wanted.keys) {
    if (known.has(key.blob)) continue;
    known.add(key.blob);
    const added = await users.addKey(userId, key);
    await work.changes.note(
      { action: 'create', kind: 'key', name: keyName(wanted.name, key), fields: [] },
      {
        type: 'key.added',
        userId,
        detail: { fingerprint: key.fingerprint },
        states: auditStates(null, added),
      },
    );
  }
  if (!work.prune) return;
  const kept = new Set(wanted.keys.map(({ blob }) => blob));
  for (const key of stored.filter(({ blob }) => !kept.has(blob))) {
    await users.removeKey(userId, key.id);
    await work.changes.note(
      { action: 'remove', kind: 'key', name: keyName(wanted.name, key), fields: [] },
      {
        type: 'key.removed',
        userId,
        detail: { fingerprint: key.fingerprint },
        states: auditStates(key, null),
      },
    );
  }
}

function keyName(
  user: string,
  key: { readonly fingerprint: string; readonly comment: string },
): string {
  return `${user} ${key.fingerprint}${key.comment === '' ? '' : ` ${key.comment}`}`;
}

/**
 * Removes the users that the setup lacks. The last admin stays: the console must not lock everybody
 * out. (The admin token of the data directory is in no setup, and stays as well.)
 */
export async function pruneUsers(work: SetupWork): Promise<void> {
  const wanted = new Set(work.setup.users.map(({ name }) => name));
  const all = await allRows((page) => work.stores.users.list({}, page));
  const gone = all.filter(({ name }) => !wanted.has(name));
  const isAdmin = (user: User): boolean => user.role === 'admin' && !user.disabled;
  const adminStays = all.some((user) => wanted.has(user.name) && isAdmin(user));
  const spared = adminStays ? undefined : gone.find(isAdmin);
  for (const user of gone.filter((each) => each !== spared)) {
    await work.stores.users.remove(user.id);
    await work.changes.note(
      { action: 'remove', kind: 'user', name: user.name, fields: [] },
      { type: 'user.removed', userId: user.id, states: auditStates(user, null) },
    );
  }
}
