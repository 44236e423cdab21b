import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Seal } from '../../src/domain/seal.ts';
import { CastEncoder } from '../../src/recorder/encoder.ts';
import { endPayload, FRAME } from '../../src/recorder/frame.ts';
import { HashChain } from '../../src/recorder/hash-chain.ts';
import { headerLine } from '../../src/recorder/header.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { seal } from '../../src/recorder/seal.ts';
import { Utf8Stream } from '../../src/recorder/utf8.ts';
import { verifyRecording } from '../../src/recorder/verify.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { scratch } from '../support/scratch.ts';
import { start } from './lab.ts';
import { KEYS, SIGNER } from './sealing.ts';

const KEY = '2026/11/22/sess_12-1.cast';

interface Chunk {
  readonly isError: boolean;
  readonly bytes: Buffer;
}

/** What programs write: any bytes, text of all scripts, and what looks like our own lines. */
const written = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text)),
      fc
        .constantFrom('\n# seal {"part":1} x\n', '\r\n', '\u001b[31m', '👩‍👩‍👧', '\ufffd')
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

/** The same cut anywhere into chunks, on either output. */
const chunks: fc.Arbitrary<readonly Chunk[]> = fc.array(
  fc.record({ isError: fc.boolean(), bytes: fc.oneof(written, written.chain(cutAnywhere)) }),
  { maxLength: 12 },
);

/** One end of it: what follows begins in the middle of whatever was cut. */
function cutAnywhere(bytes: Buffer): fc.Arbitrary<Buffer> {
  return fc.nat(bytes.length).map((cut) => bytes.subarray(0, cut));
}

function bytesOf(all: readonly Chunk[], isError: boolean): Buffer {
  return Buffer.concat(all.filter((one) => one.isError === isError).map(({ bytes }) => bytes));
}

interface SealedFile {
  readonly file: Buffer;
  readonly seals: readonly Seal[];
}

/** As the recorder writes it, a part sealed after every third chunk. */
function recorded(all: readonly Chunk[]): SealedFile {
  const encoder = new CastEncoder(null);
  const chain = new HashChain();
  const lines: Buffer[] = [];
  const seals: Seal[] = [];
  const put = (line: Buffer): void => {
    lines.push(line);
    chain.add(line);
  };
  const close = (final: Parameters<typeof seal>[3]): void => {
    const made = seal(chain, SIGNER, encoder.micros, final);
    lines.push(Buffer.from(`${made.line}\n`));
    seals.push(made);
  };
  put(Buffer.from(headerLine(start())));
  for (const [index, { isError, bytes }] of all.entries()) {
    const kind = isError ? FRAME.error : FRAME.output;
    encoder.add({ channel: 1, kind, micros: index * 1000, payload: bytes });
    put(Buffer.from(encoder.take()));
    if (index % 3 === 2) close(null);
  }
  encoder.add({
    ...{ channel: 1, kind: FRAME.end, micros: all.length * 1000, payload: endPayload(0) },
  });
  put(Buffer.from(encoder.take()));
  close({ state: 'complete', recordedBytes: encoder.bytes });
  return { file: Buffer.concat(lines), seals };
}

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
