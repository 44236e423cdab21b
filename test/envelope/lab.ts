import type { PositionedBytes } from '../../src/domain/positioned-bytes.ts';
import { EncryptedBytes } from '../../src/envelope/encrypted-bytes.ts';
import { type Envelope, makeEnvelope, readEnvelope } from '../../src/envelope/envelope.ts';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

/** Bytes in memory, as those of a file. */
export function inMemory(bytes: Buffer): PositionedBytes {
  return {
    size: () => Promise.resolve(bytes.length),
    read: (buffer, offset, length, position) => {
      const piece = bytes.subarray(position, position + length);
      buffer.set(piece, offset);
      return Promise.resolve({ bytesRead: piece.length });
    },
    close: () => Promise.resolve(),
  };
}

export function envelopeOf(session = 12, wrapped = 'wrapped'): Envelope {
  return makeEnvelope({
    ...{ content: 'recording', session, channel: 1, recipients: [RECIPIENT] },
    wrapped: Buffer.from(wrapped),
  });
}

/** What is read of a file with its data key, from the beginning; and whether there was more in it. */
export async function opened(
  file: Buffer,
  key: Buffer,
): Promise<{ readonly text: Buffer; readonly rest: number; readonly torn: boolean } | null> {
  const envelope = await readEnvelope(inMemory(file));
  if (envelope === null) return null;
  const bytes = new EncryptedBytes(inMemory(file), envelope, key);
  const buffer = Buffer.alloc(file.length);
  const { bytesRead } = await bytes.read(buffer, 0, buffer.length, 0);
  const { rest, torn } = await bytes.survey();
  return { text: buffer.subarray(0, bytesRead), rest, torn };
}
