import { createHash } from 'node:crypto';
import { isAgeRecipient } from '../domain/age-key.ts';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';

/** How the first line of an encrypted file begins; an asciicast begins otherwise. */
const OPENING = '{"postern":"encrypted ';
const VERSION = 1;
const CIPHER = 'AES-256-GCM';

/** Bytes of the longest first line that is read: twenty recipients take a third of it. */
const LONGEST_LINE = 16 * 1024;
const NEWLINE = 0x0a;

const CONTENTS = ['recording', 'replay'] as const;

/** What is encrypted: a recording, or the replay index that was made of one. */
type Content = (typeof CONTENTS)[number];

/** What the first line of an encrypted file says, in the clear. */
interface EnvelopeFacts {
  readonly content: Content;
  readonly session: number;
  readonly channel: number;
  /** `age1…`: those whose secret keys open `wrapped`. */
  readonly recipients: readonly string[];
  /** The data key, as a file of age. */
  readonly wrapped: Buffer;
}

/** The first line of an encrypted file: whose it is, and its data key for those who may have it. */
export interface Envelope extends EnvelopeFacts {
  /** As it lies, its newline included. */
  readonly line: Buffer;
  /** SHA-256 of the line: each record is bound to it. */
  readonly hash: Buffer;
}

export function makeEnvelope(facts: EnvelopeFacts): Envelope {
  const { content, session, channel, recipients, wrapped } = facts;
  const text = JSON.stringify({
    postern: `encrypted ${content}`,
    version: VERSION,
    ...{ session, channel, cipher: CIPHER, recipients },
    key: wrapped.toString('base64'),
  });
  return withHash(facts, Buffer.from(`${text}\n`));
}

function withHash(facts: EnvelopeFacts, line: Buffer): Envelope {
  return { ...facts, line, hash: createHash('sha256').update(line).digest() };
}

/** Whether a file that begins so is encrypted. */
export function isEncrypted(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, OPENING.length)).toString('latin1') === OPENING;
}

/** Null: the file is not encrypted, or its first line is damaged. */
export async function readEnvelope(file: PositionedBytes): Promise<Envelope | null> {
  const start = Buffer.alloc(LONGEST_LINE);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(start, length, LONGEST_LINE - length, length);
    length += bytesRead;
    const end = start.subarray(0, length).indexOf(NEWLINE) + 1;
    if (end > 0) return parseEnvelope(start.subarray(0, end));
    if (bytesRead === 0 || !mayBeOne(start.subarray(0, length))) return null;
  }
}

function mayBeOne(start: Buffer): boolean {
  return start.length < LONGEST_LINE && isEncrypted(start);
}

function parseEnvelope(line: Buffer): Envelope | null {
  if (!isEncrypted(line)) return null;
  const { postern, version, session, channel, cipher, recipients, key } = parsed(line);
  const content = CONTENTS.find((one) => postern === `encrypted ${one}`);
  if (content === undefined || version !== VERSION || cipher !== CIPHER) return null;
  if (typeof session !== 'number' || typeof channel !== 'number') return null;
  if (typeof key !== 'string' || !isRecipients(recipients)) return null;
  const facts = { content, session, channel, recipients, wrapped: Buffer.from(key, 'base64') };
  return withHash(facts, Buffer.from(line));
}

function parsed(line: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isRecipients(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'string' && isAgeRecipient(one))
  );
}
