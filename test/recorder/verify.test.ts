import { expect, test } from 'vitest';
import type { Seal, Verdict } from '../../src/domain/seal.ts';
import { newSigningKey, SealingKeys, Signer } from '../../src/recorder/signer.ts';
import { type Known, verifyRecording } from '../../src/recorder/verify.ts';
import { type Lab, lab, pieces, randomNumbers, start } from './lab.ts';
import { KEYS } from './sealing.ts';

async function* of(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

function verify(bytes: Buffer, more: Partial<Known> = {}): Promise<Verdict> {
  return verifyRecording(of([bytes]), { keys: KEYS, ...more });
}

/** A recording of some parts, and the seals that were told while it was made. */
async function recorded(at: Lab, parts: number, channel = 1) {
  const seals: Seal[] = [];
  const recording = await at.recorder.start(start({ channel }));
  recording.onSeal((seal) => seals.push(seal));
  const chunk = Buffer.from('drwxr-xr-x 2 root root 4096 Nov 22 10:20 目录\r\n'.repeat(500));
  for (let sent = 0; sent < parts * 300_000; sent += chunk.length) {
    if (recording.output(chunk)) continue;
    await new Promise<void>((resolve) => recording.onDrain(resolve));
  }
  const receipt = await recording.end({ type: 'code', code: 0 });
  return { bytes: at.bytes(recording), seals, receipt };
}

test('a recording is sealed in parts that check out, with the public key alone', async () => {
  await using at = await lab();
  const { bytes, seals, receipt } = await recorded(at, 4);
  const verdict = await verify(bytes);
  expect(verdict).toEqual({
    state: 'complete',
    parts: seals.length,
    size: bytes.length,
    recordedBytes: receipt.recordedBytes,
  });
  expect(seals.length).toBeGreaterThan(1);
  expect(seals.map(({ part }) => part)).toEqual(seals.map((_, index) => index + 1));
  expect(seals.at(-1)).toEqual(receipt.seal);
  expect(await verify(bytes, { seals, identity: { session: 12, channel: 1 } })).toEqual(verdict);
});

test('it is found in whatever pieces the file comes', async () => {
  await using at = await lab();
  const { bytes, seals } = await recorded(at, 0);
  const random = randomNumbers(3);
  for (const most of [1, 2, 7, 40, 1000]) {
    const verdict = await verifyRecording(of(pieces(bytes, most, random)), { keys: KEYS, seals });
    expect(verdict.state).toBe('complete');
  }
});

test('any changed byte is caught, and so is any that is missing or too many', async () => {
  await using at = await lab();
  const { bytes } = await recorded(at, 0);
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 0x01;
    expect((await verify(changed)).state, `byte ${index} changed`).not.toBe('complete');
    const without = Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + 1)]);
    expect((await verify(without)).state, `byte ${index} missing`).not.toBe('complete');
    const [from, to] = [bytes.subarray(0, index), bytes.subarray(index)];
    const more = await verify(Buffer.concat([from, Buffer.from('x'), to]));
    expect(more.state, `a byte at ${index}`).not.toBe('complete');
  }
});

test('the first bad part is named, with its bytes', async () => {
  await using at = await lab();
  const { bytes, seals } = await recorded(at, 4);
  const [, second, third] = seals;
  const changed = Buffer.from(bytes);
  const middle = ((second?.end ?? 0) + (third?.end ?? 0)) >> 1;
  changed[middle] = (changed[middle] ?? 0) ^ 0x01;
  expect(await verify(changed)).toEqual({
    state: 'tampered',
    part: 3,
    from: second?.end,
    to: third?.end,
    problem: 'changed',
  });
});

test('a tail that was cut anywhere is missed', async () => {
  await using at = await lab();
  const { bytes, seals } = await recorded(at, 2);
  for (const length of [bytes.length - 1, bytes.length - 300, (seals[0]?.end ?? 0) + 40]) {
    const cut = bytes.subarray(0, length);
    expect((await verify(cut)).state).toBe('open');
    expect(await verify(cut, { seals })).toMatchObject({ state: 'tampered', problem: 'cut' });
  }
});

test('parts that changed places, another file, and a repeated one are caught', async () => {
  await using at = await lab();
  const one = await recorded(at, 4);
  const two = await recorded(at, 4, 2);
  const [a = 0, b = 0, c = 0] = one.seals.map(({ end, line }) => end + line.length + 1);
  const part = (from: number, to: number) => one.bytes.subarray(from, to);
  const swapped = Buffer.concat([part(0, a), part(b, c), part(a, b), part(c, one.bytes.length)]);
  expect(await verify(swapped)).toMatchObject({ state: 'tampered', part: 2 });
  const twice = Buffer.concat([part(0, b), part(a, b), part(b, one.bytes.length)]);
  expect(await verify(twice)).toMatchObject({ state: 'tampered', part: 3 });
  const known = { seals: one.seals, identity: { session: 12, channel: 1 } };
  expect(await verify(two.bytes, known)).toMatchObject({ problem: 'other_recording', part: 1 });
  expect(await verify(two.bytes, { seals: one.seals })).toMatchObject({ problem: 'replaced' });
});

test('a seal by another key is forged or unknown, whatever it says', async () => {
  await using at = await lab();
  const foreign = newSigningKey();
  await using elsewhere = await lab({ sealingKey: foreign });
  const { bytes } = await recorded(elsewhere, 1);
  const theirs = new Signer(foreign).public;
  expect(await verify(bytes)).toMatchObject({ problem: 'unknown_signer', part: 1 });
  expect(await verify(bytes, { keys: new SealingKeys(theirs.publicPem) })).toMatchObject({
    state: 'complete',
  });
  const mine = (await recorded(at, 0)).receipt.seal.line.match(/"signer":"([^"]+)"/)?.[1] ?? '';
  const claimed = Buffer.from(bytes.toString('latin1').replaceAll(theirs.id, mine), 'latin1');
  expect(await verify(claimed)).toMatchObject({ problem: 'forged', part: 1 });
});

test('nothing may follow the last seal, another last seal neither', async () => {
  await using at = await lab();
  const { bytes } = await recorded(at, 0);
  const last = bytes.subarray(bytes.lastIndexOf('# seal '));
  for (const more of [Buffer.from('[0.1,"o","x"]\n'), Buffer.from('\n'), last]) {
    expect(await verify(Buffer.concat([bytes, more]))).toMatchObject({ problem: 'after_the_end' });
  }
});

test('what looks like a seal in the output is none', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('\n# seal {"part":1} x\r\n# seal '));
  await recording.end({ type: 'code', code: 0 });
  expect(await verify(at.bytes(recording))).toMatchObject({ state: 'complete', parts: 1 });
});

test('a seal line without an end is no reason to hold the file in memory', async () => {
  const endless = Buffer.from(`{"version":3}\n# seal ${'x'.repeat(100_000)}`);
  expect(await verify(endless)).toMatchObject({ state: 'tampered', problem: 'unreadable' });
});

test('a signature has one spelling', async () => {
  await using at = await lab();
  const { bytes } = await recorded(at, 0);
  const text = bytes.toString();
  const last = text.at(-2) ?? '';
  for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    if (other === last) continue;
    const changed = Buffer.from(`${text.slice(0, -2)}${other}\n`);
    expect((await verify(changed)).state, other).toBe('tampered');
  }
  for (const more of ['=', '\r', '.', ' hidden', 'A']) {
    const changed = Buffer.from(`${text.slice(0, -1)}${more}\n`);
    expect((await verify(changed)).state, more).toBe('tampered');
  }
});
