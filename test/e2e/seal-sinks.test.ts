import { createHmac } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { needs } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { type SyslogServer, startStreamSyslog } from '../support/syslog-server.ts';

const SECRET = 'what-the-receiver-knows-too';

interface SealRow {
  readonly session_id: string;
  readonly line: string;
}

/** A certificate for 127.0.0.1 that vouches for itself. */
async function identity(dir: Scratch) {
  const [key, cert] = [dir.join('key.pem'), dir.join('cert.pem')];
  const alike = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await must('openssl', ['req', '-x509', ...made, ...alike, '-keyout', key, '-out', cert]);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8'), file: cert };
}

needs('ssh', 'sshd', 'openssl').describe('seals that are noted outside', () => {
  const dir = scratch();
  const file = dir.join('seals.jsonl');
  let receiver: Receiver;
  let syslog: SyslogServer;
  let stage: Stage;

  beforeAll(async () => {
    receiver = await startReceiver();
    const tls = await identity(dir);
    syslog = await startStreamSyslog(tls);
    const sinks = [receiver.url, `syslog+tls://127.0.0.1:${syslog.port}`, `file:${file}`];
    stage = await openStage({
      settings: {
        POSTERN_SEAL_SINKS: sinks.join(' '),
        POSTERN_WEBHOOK_SECRET: SECRET,
        NODE_EXTRA_CA_CERTS: tls.file,
      },
    });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await syslog?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });

  const webhookRows = (): readonly SealRow[] =>
    receiver.deliveries.flatMap(({ body }) => (JSON.parse(body) as { seals: SealRow[] }).seals);
  const fileRows = (): readonly SealRow[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SealRow);
  const syslogRows = (): readonly SealRow[] =>
    syslog.messages.map((text) => JSON.parse(text.slice(text.indexOf('{'))) as SealRow);

  /** The seals of a session's recording as the database has them. */
  async function noted(id: string): Promise<readonly string[]> {
    const { stdout } = await stage.bastion.cli('recording', 'seals', id);
    return stdout
      .toString()
      .split('\n')
      .filter((line) => line !== '');
  }

  async function arrived(id: string, rows: () => readonly SealRow[]): Promise<readonly string[]> {
    return await eventually(`the seals of ${id}`, async () => {
      const wanted = await noted(id);
      const lines = rows().filter((row) => row.session_id === id);
      return wanted.length > 0 && new Set(lines.map(({ line }) => line)).size === wanted.length
        ? wanted
        : null;
    });
  }

  async function recorded(command: string): Promise<string> {
    await stage.alice.ssh('alice+web1', command);
    const { id } = await stage.bastion.lastEnded();
    await eventually('it is sealed to its end', async () => {
      const { recordings } = await stage.bastion.session(id);
      return recordings?.[0]?.state === 'complete';
    });
    return id;
  }

  test('arrive everywhere, signed, and verify the recording', async () => {
    const id = await recorded('head -c 600000 /dev/zero | base64');
    for (const rows of [webhookRows, fileRows, syslogRows]) {
      expect((await arrived(id, rows)).length).toBeGreaterThan(1);
    }
    for (const { headers, body } of receiver.deliveries) {
      const [, seconds, hex] =
        /^t=(\d+),v1=(\w+)$/.exec(String(headers['postern-signature'])) ?? [];
      const hmac = createHmac('sha256', SECRET);
      expect(hex).toBe(hmac.update(`${seconds}.${body}`).digest('hex'));
    }
    const { bastion } = stage;
    const cast = join(dir.path, 'session.cast');
    await bastion.cli('recording', 'export', id, '-o', cast);
    const keys = dir.join('keys.pem');
    writeFileSync(keys, (await bastion.cli('recording', 'keys')).stdout);
    const bodies = dir.join('bodies');
    writeFileSync(bodies, receiver.deliveries.map(({ body }) => `${body}\n`).join(''));
    const verify = async (seals: string) => {
      const known = ['--key', keys, '--seals', seals];
      const { status, stdout, stderr } = await bastion.cli('recording', 'verify', cast, ...known);
      return { status, said: `${stdout}${stderr}` };
    };
    for (const seals of [file, bodies]) {
      const said = expect.stringMatching(/^complete: /);
      expect(await verify(seals)).toEqual({ status: 0, said });
    }
    const text = readFileSync(cast, 'utf8');
    writeFileSync(cast, text.slice(0, text.lastIndexOf('# seal')));
    const cut = expect.stringContaining('it is not there, though its seal was noted');
    expect(await verify(file)).toEqual({ status: 1, said: cut });
    writeFileSync(cast, text.replace('"channel":1', '"channel":7'));
    const other = expect.stringContaining('holds no seal of');
    expect(await verify(file)).toEqual({ status: 1, said: other });
    expect((await bastion.api('readyz')).body?.data).toMatchObject({
      seal_sinks: [
        { type: 'webhook', state: 'up' },
        { type: 'syslog', state: 'up' },
        { type: 'file', state: 'up' },
      ],
    });
  });

  test('wait while a receiver is away, over a crash too', async () => {
    const { bastion } = stage;
    receiver.answer = 503;
    renameSync(file, `${file}.moved`);
    const id = await recorded('echo while it is away');
    await eventually('it is said that it is behind', async () => {
      const { body } = await bastion.api('readyz');
      return JSON.stringify(body).includes('{"type":"webhook","state":"behind"}');
    });
    await arrived(id, fileRows);
    await bastion.kill();
    receiver.answer = 204;
    const before = receiver.deliveries.length;
    await bastion.start();
    await arrived(id, () => webhookRows().slice(before));
    await eventually('it has caught up', async () => {
      const { body } = await bastion.api('readyz');
      return !JSON.stringify(body).includes('behind');
    });
    // Its address is what lets in, and so is the secret.
    for (const secret of ['hush', SECRET]) {
      expect(bastion.log.includes(secret), secret).toBe(false);
    }
    expect(bastion.log).toContain('seals cannot be noted outside; they wait');
  });
});
