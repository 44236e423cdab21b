import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Seal } from '../../src/domain/seal.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { Utf8Stream } from '../../src/recorder/utf8.ts';
import { verifyRecording } from '../../src/recorder/verify.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { scratch } from '../support/scratch.ts';
import { bytesOf, chunks, recorded, written } from './recorded.ts';
import { KEYS, SIGNER } from './sealing.ts';

const KEY = '2026/11/22/sess_12-1.cast';

function verify(file: Buffer, seals: readonly Seal[] = []) {
  return verifyRecording(Readable.from([file]), { keys: KEYS, seals });
}

test('any bytes, cut anywhere, come back byte for byte from either output', () => {
  fc.assert(
    fc.property(chunks, (all) => {
      const { file } = recorded(all);
      const cast = checkAsciicast(file);
      expect(cast.output).toEqual(bytesOf(all, false));
      expect(cast.error).toEqual(bytesOf(all, true));
    }),
    { numRuns: 300 },
  );
});

test('what the decoder answers for pieces is what it answers for the whole', () => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 10 }), (pieces) => {
      const stream = new Utf8Stream();
      const answers = [...pieces.map((piece) => stream.write(piece)), stream.end()];
      const bytes = Buffer.concat(pieces);
      expect(Buffer.concat(answers.map((one) => Buffer.from(one.bytes)))).toEqual(bytes);
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      expect(answers.map((one) => one.text).join('')).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test('a file cut anywhere reads as the beginning of what it was, and is repaired to verify', async () => {
  using place = scratch();
  mkdirSync(dirname(place.join(KEY)), { recursive: true });
  const library = openLibrary(place.path);
  const read = async (): Promise<string> => {
    const texts: string[] = [];
    for await (const { code, data } of library.events(KEY)) if (code === 'o') texts.push(data);
    return texts.join('');
  };
  await fc.assert(
    fc.asyncProperty(chunks, fc.double({ min: 0, max: 1, noNaN: true }), async (all, where) => {
      const { file } = recorded(all);
      const header = file.indexOf('\n') + 1;
      const cut = header + Math.floor(where * (file.length - header));
      writeFileSync(place.join(KEY), file);
      const whole = await read();
      writeFileSync(place.join(KEY), file.subarray(0, cut));
      const rest = await read();
      expect(whole.startsWith(rest)).toBe(true);
      const repaired = await repairRecording(place.path, KEY, { signer: SIGNER, noted: [] });
      expect(repaired.state).toBe(cut === file.length ? 'complete' : 'recovered');
      const verdict = await library.verify(KEY, {
        keys: [SIGNER.public],
        seals: [],
        identity: { session: 12, channel: 1 },
        sha256: null,
      });
      expect(verdict.state).toBe(repaired.state);
      expect(await read()).toBe(rest);
    }),
    { numRuns: 60 },
  );
});

test('any single byte that is changed is caught: by the file alone, and by the noted seals', async () => {
  await fc.assert(
    fc.asyncProperty(
      chunks,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async (all, where, difference) => {
        const { file, seals } = recorded(all);
        expect(await verify(file, seals)).toMatchObject({ state: 'complete' });
        const changed = Buffer.from(file);
        const at = Math.floor(where * file.length);
        changed[at] = (changed[at] ?? 0) ^ difference;
        expect((await verify(changed)).state).not.toBe('complete');
        expect((await verify(changed, seals)).state).toBe('tampered');
      },
    ),
    { numRuns: 300 },
  );
});

test('every byte of a last seal counts, those that base64 leaves unused too', async () => {
  const { file } = recorded([{ isError: false, bytes: Buffer.from('shown') }]);
  const from = file.lastIndexOf('\n# seal ');
  for (let at = from; at < file.length; at += 1) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ bit;
      expect((await verify(changed)).state, `byte ${at}, bit ${bit}`).not.toBe('complete');
    }
  }
});

test('a tail that is cut off is caught by the noted seals', async () => {
  await fc.assert(
    fc.asyncProperty(
      chunks,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (all, where) => {
        const { file, seals } = recorded(all);
        const cut = file.subarray(0, Math.floor(where * file.length));
        expect((await verify(cut)).state).not.toBe('complete');
        expect((await verify(cut, seals)).state).toBe('tampered');
      },
    ),
    { numRuns: 200 },
  );
});
