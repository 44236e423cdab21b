import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engines } from '../../src/engine/engine.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { within } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';
import { certificates, expired } from '../support/tls-files.ts';

const UNTRUSTED = {
  message: expect.stringContaining('one of the two does not take the certificate of the other'),
};

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}

needs('dockerd', 'docker', 'runc', 'busybox', 'openssl').describe('an engine behind TLS', () => {
  const files = scratch();
  let docker: TestDocker;
  let address: string;
  beforeAll(async () => {
    await certificates(files);
    const host = `127.0.0.1:${await freePort()}`;
    address = `tcp://${host}`;
    docker = await startDocker(
      ...['--tlsverify', '--tlscacert', files.join('ca.pem')],
      ...['--tlscert', files.join('server.pem'), '--tlskey', files.join('server-key.pem')],
      ...['--host', address],
    );
    await docker.run('web', { image: 'busybox' });
  }, 120_000);
  afterAll(async () => {
    await docker?.[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  test('is spoken to with the certificates of the directory, half-closes included', async () => {
    const engine = new Engines({ certificates: files.join('certs') }).at(address);
    expect((await engine.list()).map(({ name }) => name)).toEqual(['web']);
    const exec = await engine.exec({
      ...{ container: 'web', command: ['sh', '-c', 'cat; echo done; exit 3'] },
      ...{ user: '', env: [], terminal: null },
    });
    let out = '';
    exec.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    exec.stderr.resume();
    exec.stdin.end('all of it\n');
    expect(await within('the exit', exec.exited)).toBe(3);
    expect(out).toBe('all of it\ndone\n');
  });

  test('is not spoken to without them, nor when its certificate is of another authority', async () => {
    const without = new Engines({ certificates: null }).at(address);
    await expect(without.list()).rejects.toMatchObject({
      message: 'cannot reach the container engine: the bastion cannot read its certificates',
      cause: { message: expect.stringContaining('POSTERN_ENGINE_CERTS names no directory') },
    });
    const empty = new Engines({ certificates: files.join('nowhere') }).at(address);
    await expect(empty.list()).rejects.toMatchObject({
      message: expect.not.stringContaining('nowhere'),
      cause: {
        message: expect.stringContaining('ca.pem, cert.pem and key.pem cannot be read in '),
      },
    });
    mkdirSync(files.join('others'), { recursive: true });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const ca = ['-x509', '-subj', '/CN=other', '-keyout', 'key.pem', '-out', 'ca.pem'];
    const cwd = files.join('others');
    await must(the('openssl'), ['req', ...ca, ...key], { cwd });
    await must('cp', ['ca.pem', 'cert.pem'], { cwd });
    const other = new Engines({ certificates: cwd }).at(address);
    await expect(other.list()).rejects.toMatchObject(UNTRUSTED);
  });

  test('is not spoken to under a name that its certificate does not have', async () => {
    const byName = address.replace('127.0.0.1', 'localhost');
    const engine = new Engines({ certificates: files.join('certs') }).at(byName);
    await expect(engine.list()).rejects.toMatchObject(UNTRUSTED);
  });

  test('does not take a certificate of ours whose time is over', async () => {
    await expired(files, 'client');
    await must('cp', ['-r', 'certs', 'late'], { cwd: files.path });
    await must('cp', ['late.pem', 'late/cert.pem'], { cwd: files.path });
    await must('cp', ['late-key.pem', 'late/key.pem'], { cwd: files.path });
    const engine = new Engines({ certificates: files.join('late') }).at(address);
    await expect(engine.list()).rejects.toMatchObject(UNTRUSTED);
  });

  test('is not spoken to when the time of its certificate is over', async () => {
    await expired(files, 'server');
    let requests = 0;
    const read = (name: string): Buffer => readFileSync(files.join(name));
    const server = createTlsServer({ cert: read('late.pem'), key: read('late-key.pem') }, () => {
      requests += 1;
    });
    server.listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const certificates = files.join('certs');
      const engine = new Engines({ certificates }).at(`tcp://127.0.0.1:${port}`);
      await expect(engine.list()).rejects.toMatchObject(UNTRUSTED);
      expect(requests).toBe(0);
    } finally {
      server.close();
    }
  });
});
