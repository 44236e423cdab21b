import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecordingReceipt } from '../../src/domain/recording.ts';
import type { RecordingKeys } from '../../src/domain/recording-keys.ts';
import { KeyRing } from '../../src/envelope/key-ring.ts';
import { nodeKeyOf } from '../../src/envelope/node-key.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { newAgeKeys } from '../support/age-keys.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { needs } from '../support/requirements.ts';
import { must, run } from '../support/run.ts';
import { type Lab, lab, start } from './lab.ts';
import { SIGNER } from './sealing.ts';

const KEYS = await newAgeKeys();
const NODE_KEY = nodeKeyOf(randomBytes(32));
const ENCRYPTION = { recipients: [KEYS.recipient], nodeKey: NODE_KEY };
const NODE: RecordingKeys = { nodeKeys: [NODE_KEY], identities: [] };
const OWNER: RecordingKeys = { nodeKeys: [], identities: [KEYS.identity] };
const KNOWN = {
  ...{ keys: [SIGNER.public], seals: [], sha256: null },
  identity: { session: 12, channel: 1 },
};
const MEANS = { signer: SIGNER, noted: [], ring: new KeyRing(NODE) };

const SECRET = 'the password is swordfish';

function encryptingLab(): Promise<Lab> {
  return lab({ encryption: ENCRYPTION });
}

interface Finished {
  readonly key: string;
  readonly path: string;
  readonly receipt: RecordingReceipt;
  readonly file: Buffer;
}

/** A recording of some writes, each a record at least. */
async function finished(at: Lab, outputs: readonly (string | Buffer)[] = []): Promise<Finished> {
  const recording = await at.recorder.start(start());
  const { key } = recording;
  const path = `${at.root}/${key}`;
  for (const one of [SECRET, ...outputs]) {
    const before = readFileSync(path).length;
    recording.output(Buffer.from(one));
    await expect.poll(() => readFileSync(path).length).toBeGreaterThan(before);
  }
  const receipt = await recording.end({ type: 'code', code: 0 });
  return { key, path, receipt, file: readFileSync(path) };
}

async function textOf(root: string, key: string, keys: RecordingKeys): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of openLibrary(root, keys).readPlain(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('an encrypted recording holds nothing in the clear, and opens with either key', async () => {
  await using at = await encryptingLab();
  const { key, path, receipt, file } = await finished(at, ['漢字 ', Buffer.from([0xff, 0xfe])]);
  expect(file.includes('swordfish')).toBe(false);
  expect(readFileSync(`${path}.open`).includes(KEYS.recipient)).toBe(false);
  expect(receipt).toMatchObject({ size: file.length, recordedBytes: SECRET.length + 9 });
  for (const keys of [NODE, OWNER]) {
    const library = openLibrary(at.root, keys);
    const cast = checkAsciicast(await textOf(at.root, key, keys));
    expect(cast.text).toContain(`${SECRET}漢字 `);
    expect(await library.stat(key)).toMatchObject({ size: file.length });
    expect(await library.locking(key)).toEqual({ isEncrypted: true, lockedTo: null });
    expect(await library.header(key)).toMatchObject({ cols: 100, rows: 30 });
    const verdict = await library.verify(key, KNOWN);
    expect(verdict).toMatchObject({ state: 'complete', recordedBytes: SECRET.length + 9 });
  }
});

test('without a key it says to whom it is encrypted, and its file can still be compared', async () => {
  await using at = await encryptingLab();
  const { key, path, receipt, file } = await finished(at);
  rmSync(`${path}.open`);
  const library = openLibrary(at.root, NODE);
  const recipients = `${KEYS.recipient.slice(0, 20)}…`;
  expect(await library.locking(key)).toEqual({ isEncrypted: true, lockedTo: recipients });
  const refusal = { code: 'recording.encrypted', params: { id: '12', recipients } };
  await expect(library.header(key)).rejects.toMatchObject(refusal);
  await expect(textOf(at.root, key, NODE)).rejects.toMatchObject(refusal);
  const index = await library.replayFile(key, 'replay');
  await expect(index.replace(() => Promise.resolve())).rejects.toMatchObject(refusal);
  expect(existsSync(`${path}.replay`) || existsSync(`${path}.replay.tmp`)).toBe(false);
  const noted = { ...KNOWN, sha256: receipt.sha256 };
  expect(await library.verify(key, noted)).toMatchObject({ state: 'locked', recipients });
  const changed = Buffer.from(file);
  changed[file.length - 30] = (changed[file.length - 30] ?? 0) ^ 1;
  for (const [content, problem] of [
    [changed, 'other_file'],
    [file.subarray(0, file.length - 1), 'other_file'],
  ] as const) {
    writeFileSync(path, content);
    expect(await library.verify(key, noted)).toMatchObject({ state: 'tampered', problem });
  }
  const other = { ...noted, identity: { session: 13, channel: 1 } };
  expect(await library.verify(key, other)).toMatchObject({ problem: 'other_recording' });
});

test('a file cut at each third byte is repaired to the beginning of what it was, and sealed', async () => {
  await using at = await encryptingLab();
  const { key, path, file } = await finished(at, ['more\r\n', 'and more']);
  const whole = checkAsciicast(await textOf(at.root, key, OWNER));
  const begins = file.indexOf('\n') + 1;
  const header = begins + file.readUInt32BE(begins) + 32;
  for (let length = header; length <= file.length; length += 3) {
    writeFileSync(path, file.subarray(0, length));
    const repaired = await repairRecording(at.root, key, MEANS);
    const state = length === file.length ? 'complete' : 'recovered';
    expect(repaired, `cut at ${length}`).toMatchObject({ state, reason: null });
    expect(repaired.receipt?.size).toBe(readFileSync(path).length);
    const cast = checkAsciicast(await textOf(at.root, key, OWNER));
    expect(whole.output.subarray(0, cast.output.length)).toEqual(cast.output);
    const verdict = await openLibrary(at.root, OWNER).verify(key, KNOWN);
    expect(verdict).toMatchObject({ state, recordedBytes: cast.output.length });
    const again = await repairRecording(at.root, key, MEANS);
    expect(again.receipt?.sha256).toBe(repaired.receipt?.sha256);
  }
}, 60_000);

test('any single byte of the file that is changed is caught, with a key', async () => {
  await using at = await encryptingLab();
  const { key, path, file, receipt } = await finished(at, ['more\r\n', 'and more']);
  const library = openLibrary(at.root, NODE);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(file.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (where, difference) => {
        const changed = Buffer.from(file);
        changed[where] = (changed[where] ?? 0) ^ difference;
        writeFileSync(path, changed);
        const noted = { ...KNOWN, sha256: receipt.sha256, seals: [receipt.seal] };
        const verdict = await library.verify(key, noted);
        expect(verdict.state, `byte ${where}`).toBe('tampered');
      },
    ),
    { numRuns: 300 },
  );
});

test('what is not whole at the end is open, what does not open is not', async () => {
  await using at = await encryptingLab();
  const { key, path, file } = await finished(at, ['more']);
  const library = openLibrary(at.root, OWNER);
  const check = async (content: Buffer) => {
    writeFileSync(path, content);
    return await library.verify(key, KNOWN);
  };
  expect(await check(file.subarray(0, file.length - 1))).toMatchObject({ state: 'open' });
  const more = Buffer.concat([file, Buffer.from('more')]);
  expect(await check(more)).toMatchObject({ state: 'tampered', problem: 'after_the_end' });
  const middle = Buffer.from(file);
  const at16 = file.indexOf('\n') + 1 + 16;
  middle[at16] = (middle[at16] ?? 0) ^ 1;
  expect(await check(middle)).toMatchObject({ state: 'tampered', problem: 'not_its_record' });
});

test('what is not what was sealed is evidence, and stays as it is', async () => {
  await using at = await encryptingLab();
  const { key, path, file } = await finished(at, ['more']);
  const more = Buffer.concat([file, Buffer.from('more')]);
  writeFileSync(path, more);
  expect(await repairRecording(at.root, key, MEANS)).toMatchObject({ state: 'tampered' });
  expect(readFileSync(path)).toEqual(more);
});

test('repair waits for the right secret key, and does without where there is none any more', async () => {
  await using at = await encryptingLab();
  const { key, path, file } = await finished(at);
  const cut = file.subarray(0, file.length - 1);
  writeFileSync(path, cut);
  const others = { nodeKeys: [nodeKeyOf(randomBytes(32))], identities: [] };
  const means = { ...MEANS, ring: new KeyRing(others) };
  await expect(repairRecording(at.root, key, means)).rejects.toThrow(/POSTERN_SECRET_KEY/);
  rmSync(`${path}.open`);
  expect(await repairRecording(at.root, key, MEANS)).toMatchObject({
    ...{ state: 'truncated', receipt: null },
  });
  expect(readFileSync(path)).toEqual(cut);
  // An identity does as well.
  const owner = { ...MEANS, ring: new KeyRing(OWNER) };
  expect(await repairRecording(at.root, key, owner)).toMatchObject({ state: 'recovered' });
});

test('recordings of the time before encryption stay readable, and go with what lies beside them', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from(SECRET));
  await recording.end(null);
  const library = openLibrary(at.root, NODE);
  expect(await library.locking(recording.key)).toEqual({ isEncrypted: false, lockedTo: null });
  expect(await textOf(at.root, recording.key, NODE)).toEqual(at.bytes(recording));

  await using later = await encryptingLab();
  const { key, path } = await finished(later);
  expect(await openLibrary(later.root, NODE).remove(key)).toBe(true);
  expect(existsSync(`${path}.open`)).toBe(false);
});

test('where no data key can be wrapped, nothing is recorded and nothing is left', async () => {
  await using at = await lab({ encryption: { ...ENCRYPTION, recipients: ['age1nobody'] } });
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'recording.refused' });
  expect(readdirSync(`${at.root}/2026/11/22`)).toEqual([]);
});

needs('age', 'age-keygen', 'python3', 'cryptography').describe('with the tools of others', () => {
  test('the data key is a file of age, both ways', async () => {
    await using at = await lab();
    const file = at.scratch.join('key.txt');
    await must('age-keygen', ['-o', file]);
    const made = /^# public key: (age1\S+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const { wrapDataKey, unwrapDataKey } = await import('../../src/envelope/data-key.ts');
    const key = randomBytes(32);
    const wrapped = await wrapDataKey(key, [KEYS.recipient, made]);
    const opened = await run('age', ['-d', '-i', file], { input: wrapped });
    expect(opened.stdout).toEqual(key);
    const byAge = await run('age', ['-r', KEYS.recipient], { input: key });
    expect(await unwrapDataKey(byAge.stdout, [KEYS.identity])).toEqual(key);
    expect(await unwrapDataKey(byAge.stdout, [(await newAgeKeys()).identity])).toBe(null);
  });

  test('the program in the decision decrypts a recording', async () => {
    await using at = await encryptingLab();
    const { key, path } = await finished(at, ['more', 'and more']);
    const decision = resolve(import.meta.dirname, '../../docs/adr/0016-encryption.md');
    const program = /```python\n(.*?)```/s.exec(readFileSync(decision, 'utf8'))?.[1] ?? '';
    const identity = at.scratch.join('identity');
    writeFileSync(identity, `${KEYS.identity}\n`, { mode: 0o600 });
    const done = await run('python3', ['-c', program, path, identity]);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout).toEqual(await textOf(at.root, key, OWNER));
  });
});
