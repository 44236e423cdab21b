import fc from 'fast-check';
import type { Seal } from '../../src/domain/seal.ts';
import { CastEncoder } from '../../src/recorder/encoder.ts';
import { endPayload, FRAME } from '../../src/recorder/frame.ts';
import { HashChain } from '../../src/recorder/hash-chain.ts';
import { headerLine } from '../../src/recorder/header.ts';
import { seal } from '../../src/recorder/seal.ts';
import { start } from './lab.ts';
import { SIGNER } from './sealing.ts';

export interface Chunk {
  readonly isError: boolean;
  readonly bytes: Buffer;
}

/** What programs write: any bytes, text of all scripts, and what looks like our own lines. */
export const written = fc
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
export const chunks: fc.Arbitrary<readonly Chunk[]> = fc.array(
  fc.record({ isError: fc.boolean(), bytes: fc.oneof(written, written.chain(cutAnywhere)) }),
  { maxLength: 12 },
);

/** One end of it: what follows begins in the middle of whatever was cut. */
function cutAnywhere(bytes: Buffer): fc.Arbitrary<Buffer> {
  return fc.nat(bytes.length).map((cut) => bytes.subarray(0, cut));
}

export function bytesOf(all: readonly Chunk[], isError: boolean): Buffer {
  return Buffer.concat(all.filter((one) => one.isError === isError).map(({ bytes }) => bytes));
}

export interface SealedFile {
  readonly file: Buffer;
  readonly seals: readonly Seal[];
}

/** As the recorder writes it, a part sealed after every third chunk. */
export function recorded(all: readonly Chunk[]): SealedFile {
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
