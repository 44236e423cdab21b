import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDataKey } from '../../src/envelope/data-key.ts';
import { KeyRing } from '../../src/envelope/key-ring.ts';
import { keepDataKey, nodeKeyOf } from '../../src/envelope/node-key.ts';
import { RecordSealer } from '../../src/envelope/record.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { envelopeOf } from '../envelope/lab.ts';
import { scratch } from '../support/scratch.ts';
import { chunks, recorded } from './recorded.ts';
import { SIGNER } from './sealing.ts';

const KEY = '2026/11/22/sess_12-1.cast';
const ENVELOPE = envelopeOf();
const somewhere = fc.double({ min: 0, max: 1, noNaN: true });

/** A file's bytes encrypted, written in pieces that end anywhere: also within a line, or behind a note. */
function encrypted(file: Buffer, dataKey: Buffer, cuts: readonly number[]): Buffer {
  const sealer = new RecordSealer(dataKey, ENVELOPE);
  const ends = [...cuts.map((cut) => Math.floor(cut * file.length)), file.length];
  const records: Buffer[] = [];
  let from = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    if (end > from) records.push(sealer.seal(file.subarray(from, end)));
    from = end;
  }
  return Buffer.concat([ENVELOPE.line, ...records]);
}

test('any recording, written in any pieces and cut anywhere, is repaired to a beginning of it', async () => {
  using place = scratch();
  const path = place.join(KEY);
  mkdirSync(dirname(path), { recursive: true });
  const nodeKey = nodeKeyOf(newDataKey());
  const keys = { nodeKeys: [nodeKey], identities: [] };
  const library = openLibrary(place.path, keys);
  const read = async (): Promise<string> => {
    const texts: string[] = [];
    for await (const { code, data } of library.events(KEY)) if (code === 'o') texts.push(data);
    return texts.join('');
  };
  await fc.assert(
    fc.asyncProperty(chunks, fc.array(somewhere), somewhere, async (all, cuts, where) => {
      const dataKey = newDataKey();
      const { file } = recorded(all);
      const lying = encrypted(file, dataKey, cuts);
      await keepDataKey(path, { envelope: ENVELOPE, dataKey, nodeKey });
      writeFileSync(path, lying);
      const whole = await read();
      const length = Math.floor(where * lying.length);
      writeFileSync(path, lying.subarray(0, length));
      const rest = await read().catch(() => null);
      const means = { signer: SIGNER, noted: [], ring: new KeyRing(keys) };
      const repaired = await repairRecording(place.path, KEY, means);
      if (rest === null) {
        // Its first line is not there: it is no recording.
        expect(repaired.state).toBe('failed');
        return;
      }
      expect(whole.startsWith(rest)).toBe(true);
      expect(repaired.state).toBe(length === lying.length ? 'complete' : 'recovered');
      const verdict = await library.verify(KEY, {
        ...{ keys: [SIGNER.public], seals: [], sha256: null },
        identity: { session: 12, channel: 1 },
      });
      expect(verdict.state).toBe(repaired.state);
      expect(await read()).toBe(rest);
    }),
    { numRuns: 150 },
  );
});
