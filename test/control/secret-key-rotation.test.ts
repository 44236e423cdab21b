import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { expect, test } from 'vitest';
import { loadSecretKeys, serverKeys } from '../../src/control/secret-key.ts';
import { rotateSecretKey } from '../../src/control/secret-key-rotation.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Store } from '../../src/domain/store.ts';
import { openStore } from '../../src/store/database.ts';
import { reseal } from '../../src/store/reseal.ts';
import { machine } from '../store/examples.ts';
import { silent } from '../store/options.ts';
import { place } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';

const SECRETS = ['hunter2', '-----BEGIN KEY-----', ''];

/** A database (test/e2e/secret-key.test.ts has the embedded one) and a data directory with stored secrets; `configured` is POSTERN_SECRET_KEY. */
async function kept(configured: Secret | null = null) {
  const where = await place('postgres');
  const database = { databaseUrl: where.databaseUrl, dataDir: where.dataDir, log: silent };
  const file = `${where.dataDir}/secret-key`;
  const open = (setting: Secret | null) => {
    const keys = serverKeys(loadSecretKeys(setting, where.dataDir));
    return openStore({ ...database, ...keys, migrate: true });
  };
  const store = await open(configured);
  for (const [at, secret] of SECRETS.entries()) {
    const credential = { type: 'password', password: new Secret(secret) } as const;
    await store.machines.create(machine({ name: `m${at}`, credential }));
  }
  await store.machines.create(machine({ name: 'without', credential: { type: 'bastion_key' } }));
  await store.close();

  /** What is read with the keys that are there now; at the end another one is stored. */
  const secrets = async (setting = configured): Promise<readonly string[]> => {
    const again = await open(setting);
    try {
      const found: string[] = [];
      for (let at = 0; at < SECRETS.length; at += 1) {
        const { id } = (await again.machines.getByName(`m${at}`)) ?? { id: 0 };
        const credential = await again.machines.credential(id);
        if (credential?.type === 'password') found.push(credential.password.expose());
      }
      return found;
    } finally {
      await again.close();
    }
  };
  const rotate = (
    wrapped: (work: () => Promise<number>) => Promise<number> = (work) => work(),
    setting = configured,
  ) =>
    rotateSecretKey(setting, where.dataDir, (keys) => wrapped(() => reseal(database, keys, 'ada')));
  return {
    ...{ databaseUrl: where.databaseUrl, file, next: `${file}.new`, open, secrets, rotate },
    [Symbol.asyncDispose]: () => where[Symbol.asyncDispose](),
  };
}

needs('postgres').describe('changing the secret key', () => {
  test('seals everything under a new key, and the old one opens nothing any more', async () => {
    await using at = await kept();
    const old = readFileSync(at.file, 'utf8');
    expect(await at.rotate()).toEqual({ texts: SECRETS.length, file: at.file, toBeSet: false });
    expect(existsSync(at.next)).toBe(false);
    expect(readFileSync(at.file, 'utf8')).not.toBe(old);
    expect(await at.secrets()).toEqual(SECRETS);
    const store = await at.open(null);
    const { rows } = await store.audit.list({ type: 'secret_key.rotated' }, { limit: 10 });
    await store.close();
    expect(rows).toMatchObject([{ actor: 'ada', source: null, detail: { texts: SECRETS.length } }]);
    await expect(at.secrets(new Secret(old.trim()))).rejects.toThrow('another POSTERN_SECRET_KEY');
  });

  test('can be cut short anywhere, loses nothing, and is finished by the next one', async () => {
    await using at = await kept();
    const old = readFileSync(at.file, 'utf8');
    const cut = new Error('cut');
    // Before anything is sealed.
    await expect(at.rotate(() => Promise.reject(cut))).rejects.toBe(cut);
    expect(await at.secrets()).toEqual(SECRETS);
    const next = readFileSync(at.next, 'utf8');
    // After everything is, before the file takes its place.
    await expect(at.rotate((work) => work().then(() => Promise.reject(cut)))).rejects.toBe(cut);
    expect(readFileSync(at.file, 'utf8')).toBe(old);
    expect(await at.secrets()).toEqual(SECRETS);
    // A server that runs meanwhile seals under the new one.
    const store = await at.open(null);
    const { id } = (await store.machines.getByName('m1')) ?? { id: 0 };
    const credential = { type: 'password', password: new Secret(SECRETS[1] ?? '') } as const;
    await store.machines.update(id, { credential });
    await store.close();
    await at.rotate();
    expect(readFileSync(at.file, 'utf8')).toBe(next);
    expect(await at.secrets(new Secret(next.trim()))).toEqual(SECRETS);
  });

  test('of a configured key says what to set, and works before and after it is', async () => {
    const configured = new Secret(Buffer.alloc(32, 3).toString('base64'));
    await using at = await kept(configured);
    expect(await at.rotate()).toMatchObject({ file: at.next, toBeSet: true });
    expect(await at.secrets()).toEqual(SECRETS);
    const next = new Secret(readFileSync(at.next, 'utf8').trim());
    expect(await at.secrets(next)).toEqual(SECRETS);
    // The change after it makes another one.
    await at.rotate(undefined, next);
    expect(readFileSync(at.next, 'utf8').trim()).not.toBe(next.expose());
    expect(await at.secrets(next)).toEqual(SECRETS);
  });

  test('takes the key that it is given, and refuses one that others may read', async () => {
    await using at = await kept();
    writeFileSync(at.next, `${'ab'.repeat(32)}\n`, { mode: 0o644 });
    await expect(at.rotate()).rejects.toThrow('can be read by others');
    chmodSync(at.next, 0o600);
    await at.rotate();
    expect(readFileSync(at.file, 'utf8').trim()).toBe('ab'.repeat(32));
    expect(await at.secrets()).toEqual(SECRETS);
  });

  test('loses nothing that a server stores that starts while it goes on', async () => {
    await using at = await kept();
    const started: Store[] = [];
    await at.rotate(async (work) => {
      started.push(await at.open(null));
      return work();
    });
    for (const server of started) {
      const { id } = (await server.machines.getByName('m1')) ?? { id: 0 };
      const credential = { type: 'password', password: new Secret('newer') } as const;
      await server.machines.update(id, { credential });
      await server.close();
    }
    expect(await at.secrets()).toEqual(SECRETS.with(1, 'newer'));
  });

  test('waits for a node that takes its name, and then changes nothing', async () => {
    await using at = await kept();
    const store = await at.open(null);
    const { databaseUrl } = at;
    const watching = new pg.Client({ connectionString: databaseUrl ?? '' });
    await watching.connect();
    try {
      let rotating: Promise<unknown> = Promise.resolve();
      await store.transaction(async ({ nodes }) => {
        await nodes.claim('node-b', 'one');
        rotating = at.rotate().catch((error: unknown) => error);
        await eventually('it waits', async () => {
          const { rows } = await watching.query(
            `select 1 from pg_locks where not granted and relation = 'nodes'::regclass`,
          );
          return rows.length > 0;
        });
      });
      expect(await rotating).toMatchObject({ code: 'node.running' });
      expect(await at.secrets()).toEqual(SECRETS);
    } finally {
      await watching.end();
      await store.close();
    }
  });

  test('changes nothing while a server runs, or where a text opens with no key', async () => {
    await using at = await kept();
    const store = await at.open(null);
    await store.nodes.claim('node-b', 'one');
    await expect(at.rotate()).rejects.toThrow(PosternError);
    await store.nodes.leave('node-b', 'one');
    await store.close();
    expect(await at.secrets()).toEqual(SECRETS);
    await at.rotate();
    const foreign = await at.open(new Secret(Buffer.alloc(32, 9).toString('base64')));
    const credential = { type: 'password', password: new Secret('x') } as const;
    const { id } = await foreign.machines.create(machine({ name: 'foreign', credential }));
    await foreign.close();
    await expect(at.rotate()).rejects.toThrow(
      `what is stored for machine ${id} password opens with none of the keys`,
    );
    expect(await at.secrets()).toEqual(SECRETS);
  });
});
