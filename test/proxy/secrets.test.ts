import { once } from 'node:events';
import { expect, test } from 'vitest';
import { CATALOGUE } from '../../src/domain/errors.ts';
import { Secret } from '../../src/domain/secret.ts';
import { finishChannel } from '../../src/ssh/channel.ts';
import { Lab } from '../ssh/lab.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { exec, openProxyStage, runOn, seen } from './stage.ts';

needs('sshd', 'ssh-keygen').describe('what goes wrong, and what is secret', () => {
  test('invariant 7: no secret, keystroke or output reaches a log or the audit, at level debug', async () => {
    await using stage = await openProxyStage();
    await using lab = await Lab.start({
      onAuth: (context) => {
        if (context.method === 'password' && context.password === 'machine-pa55word')
          context.accept();
        else context.reject(['password']);
      },
      onSession: (session) => void session.on('pty', (accept) => accept?.()),
      onExec: (channel) => {
        channel.write('output-0f-the-program');
        channel.stderr.write('err0r-of-the-program');
        channel.once('data', () => void finishChannel(channel, { status: 0 }));
      },
    });
    const password = new Secret('machine-pa55word');
    await stage.add({ name: 'box', port: lab.port, credential: { type: 'password', password } });
    const wrong = new Secret('an0ther-password');
    await stage.add({
      name: 'locked',
      port: lab.port,
      credential: { type: 'password', password: wrong },
    });
    const broken = new Secret('-----BEGIN OPENSSH PRIVATE KEY-----\nk3y-material\n');
    await stage.add({
      name: 'broken',
      port: lab.port,
      credential: { type: 'key', privateKey: broken },
    });

    // A failed sign-in with a password, programs that run, machines that refuse.
    await expect(
      stage.connect('alice+box', { authHandler: ['password'], password: 'user-pa55word' }),
    ).rejects.toThrow();
    const client = await stage.connect('alice+box', { password: 'user-pa55word' });
    const channel = await exec(client, 'x', { env: { MY_TOKEN: 't0ken-in-env' }, pty: true });
    const done = seen(channel);
    await once(channel, 'data');
    channel.write('typed-s3cret\r');
    expect((await done).out.toString()).toContain('output-0f-the-program');
    client.end();
    for (const name of ['locked', 'broken']) {
      const refused = await stage.connect(`alice+${name}`);
      expect((await runOn(refused, 'x')).err).toContain('did not accept the stored credentials');
      refused.end();
    }
    await eventually('all events', async () => {
      const types = (await stage.audit()).map(({ type }) => type);
      return types.filter((type) => type === 'session.ended').length === 3;
    });
    const told = stage.log() + JSON.stringify(await stage.audit());
    expect(told).toContain('session opened');
    const key = stage.aliceKey.split('\n').slice(1, 3);
    for (const planted of [
      'pa55word',
      'an0ther',
      'k3y-material',
      't0ken',
      'typed-s3cret',
      'output-0f',
      'err0r-of',
      ...key,
    ]) {
      expect(told).not.toContain(planted);
    }
  });

  test('invariants 6 and 9: a defect is told in the words of the catalogue, its cause in the log alone', async () => {
    await using stage = await openProxyStage({
      control: (real) =>
        new Proxy(real, {
          get(target, name) {
            if (name === 'authorize') {
              return () => Promise.reject(new TypeError('undefined is not a function: db-host'));
            }
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        }),
    });
    const client = await stage.connect('alice+box');
    expect(await runOn(client, 'x')).toMatchObject({
      code: 255,
      err: `postern: ${CATALOGUE.internal.text}\n`,
    });
    expect(stage.log()).toContain('db-host');
    // The process and the connection live: an unhandled rejection would have failed this test.
    expect((await runOn(client, 'x')).code).toBe(255);
    client.end();
  });
});
