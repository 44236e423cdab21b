import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeKeyOf } from '../../src/envelope/node-key.ts';
import { type Lab, lab, start } from '../recorder/lab.ts';
import { SIGNER } from '../recorder/sealing.ts';
import { newAgeKeys } from '../support/age-keys.ts';
import { command } from './capture.ts';

const OWN = await newAgeKeys();
const OTHER = await newAgeKeys();

interface Files {
  readonly cast: string;
  /** Of the recording, of somebody else. */
  readonly identity: string;
  readonly foreign: string;
  readonly keys: string;
}

/** An encrypted recording, and the keys to it, in a directory. */
async function files(at: Lab): Promise<Files> {
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('swordfish'));
  await recording.end({ type: 'code', code: 0 });
  const { scratch } = at;
  const identity = scratch.join('identity');
  const foreign = scratch.join('foreign');
  const keys = scratch.join('keys.pem');
  writeFileSync(identity, `# of a test\n${OWN.identity}\n`, { mode: 0o600 });
  writeFileSync(foreign, `${OTHER.identity}\n`, { mode: 0o600 });
  writeFileSync(keys, SIGNER.public.publicPem);
  return { cast: `${at.root}/${recording.key}`, identity, foreign, keys };
}

function encryptingLab(): Promise<Lab> {
  const nodeKey = nodeKeyOf(randomBytes(32));
  return lab({ encryption: { recipients: [OWN.recipient], nodeKey } });
}

test('an encrypted file is decrypted and verified with its identity, without a server', async () => {
  await using at = await encryptingLab();
  const { cast, identity, keys } = await files(at);
  const decrypted = await command(['recording', 'decrypt', cast, '--identity', identity]);
  expect(decrypted).toMatchObject({ status: 0, stderr: '' });
  expect(decrypted.stdout).toContain('"swordfish"');
  const plain = at.scratch.join('plain.cast');
  const asked = ['recording', 'decrypt', cast, '--identity', identity, '-o', plain];
  expect((await command(asked)).stdout).toBe(`wrote ${plain}\n`);
  expect(readFileSync(plain, 'utf8')).toBe(decrypted.stdout);
  expect((await command(asked)).stderr).toContain('cannot be written');
  for (const one of [[plain], [cast, '--identity', identity]]) {
    const verified = await command(['recording', 'verify', ...one, '--key', keys]);
    expect(verified.stdout).toMatch(/^complete: 1 part as sealed, \d+ bytes, 9 bytes recorded\n$/);
  }
  expect(await command(['recording', 'decrypt', plain, '--identity', identity])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('is not encrypted'),
  });
});

test('what is missing, or wrong, is said by name, and no key is', async () => {
  await using at = await encryptingLab();
  const { cast, identity, foreign, keys } = await files(at);
  const verify = (...more: string[]) =>
    command(['recording', 'verify', cast, '--key', keys, ...more]);
  const recipient = `${OWN.recipient.slice(0, 20)}…`;
  expect(await verify()).toMatchObject({
    status: 2,
    stderr: expect.stringContaining(
      `is encrypted to ${recipient}; give the file with the secret key: --identity FILE`,
    ),
  });
  expect(await verify('--identity', foreign)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(`does not open \\S+, which is encrypted to ${recipient}`),
  });
  const none = await verify('--identity', keys);
  expect(none).toMatchObject({ status: 2 });
  expect(none.stderr).toMatch(/can be read by others|is no AGE-SECRET-KEY-1…/);
  appendFileSync(cast, 'more');
  expect(await verify('--identity', identity)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('bytes follow the last seal'),
  });
  const decrypted = await command(['recording', 'decrypt', cast, '--identity', identity]);
  expect(decrypted.status).toBe(1);
  expect(decrypted.stdout).toContain('"swordfish"');
  expect(decrypted.stderr).toContain('the last 4 bytes of');
  expect(existsSync(`${cast}.open`)).toBe(true);
  for (const { stderr } of [none, decrypted]) expect(stderr).not.toContain('AGE-SECRET-KEY-1Q');
});
