import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRecordingCrypto } from '../../src/app/recording-keys.ts';
import { newDataKey, unwrapDataKey, wrapDataKey } from '../../src/envelope/data-key.ts';
import { listeningLog } from '../recorder/lab.ts';
import { newAgeKeys } from '../support/age-keys.ts';
import { scratch } from '../support/scratch.ts';

const SECRET = { current: randomBytes(32), next: null };
const log = listeningLog();

function open(recordingRecipients: readonly string[] | null, recordingIdentity: string | null) {
  return openRecordingCrypto({ recordingRecipients, recordingIdentity }, SECRET, log);
}

test('without recipients nothing is encrypted, and what was can be opened', async () => {
  using place = scratch();
  const { identity, recipient } = await newAgeKeys();
  const file = place.join('identity');
  writeFileSync(file, `# created: today\n# public key: ${recipient}\n${identity}\n`, {
    mode: 0o600,
  });
  const { encryption, keys } = await open(null, file);
  expect(encryption).toBe(null);
  const key = newDataKey();
  expect(await unwrapDataKey(await wrapDataKey(key, [recipient]), keys.identities)).toEqual(key);
});

test('the data keys of open recordings are kept under the secret keys, the new one first', async () => {
  const { recipient } = await newAgeKeys();
  const before = await open([recipient], null);
  const secret = { current: SECRET.current, next: randomBytes(32) };
  const settings = { recordingRecipients: [recipient], recordingIdentity: null };
  const after = await openRecordingCrypto(settings, secret, log);
  expect(after.keys.nodeKeys).toHaveLength(2);
  expect(after.keys.nodeKeys).toContain(before.encryption?.nodeKey);
  expect(after.encryption?.nodeKey).not.toBe(before.encryption?.nodeKey);
});

test('a file that holds no identity, is not private or not there is refused by name', async () => {
  using place = scratch();
  const { identity, recipient } = await newAgeKeys();
  const file = place.join('identity');
  const refused = (words: RegExp) =>
    expect(open(null, file)).rejects.toMatchObject({
      code: 'recording.identity',
      message: expect.stringMatching(words),
    });
  await refused(/^POSTERN_RECORDING_IDENTITY: \S+identity is not there$/);
  writeFileSync(file, '# nothing\n', { mode: 0o600 });
  await refused(/holds no AGE-SECRET-KEY-1…$/);
  writeFileSync(file, `\n${recipient}\n`);
  await refused(/line 2 of \S+ is no AGE-SECRET-KEY-1…$/);
  writeFileSync(file, `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}\n`);
  const error = await open(null, file).catch(String);
  expect(error).toMatch(/line 1 of/);
  expect(error).not.toContain(identity.slice(20, 40));
  writeFileSync(file, `${identity}\n`);
  chmodSync(file, 0o640);
  await refused(/can be read by others/);
});

test('an identity that opens nothing of what is recorded from now on is said in the log', async () => {
  using place = scratch();
  const file = place.join('identity');
  const [own, other] = [await newAgeKeys(), await newAgeKeys()];
  writeFileSync(file, `${own.identity}\n`, { mode: 0o600 });
  const words = 'no identity here opens what is recorded from now on';
  await open([own.recipient, other.recipient], file);
  expect(log.lines.map(({ message }) => message)).not.toContain(words);
  await open([other.recipient], file);
  expect(log.lines.map(({ message }) => message)).toContain(words);
});
