import { createHash } from 'node:crypto';
import type { NewRevocation } from '../domain/certificate.ts';
import { MalformedBlob, StrictReader } from './strict-reader.ts';
import { wireString } from './wire.ts';

/** `SSHKRL\n\0` (PROTOCOL.krl). */
const MAGIC = 0x5353484b524c0a00n;
const FORMAT = 1;

const SECTION = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5, extension: 255 };
const OF_CERTIFICATES = { serials: 0x20, range: 0x21, bitmap: 0x22, keyIds: 0x23, extension: 0x39 };

const LARGEST_SERIAL = 2n ** 64n - 1n;

/** Bytes. */
const MOST = { section: 2 ** 26, key: 2 ** 16, text: 1024, bitmap: 2 ** 20 };

/** Revocations in one list. */
const MOST_ENTRIES = 500_000;

/** Without a reason, which the list as a whole has. */
export type ListedRevocation = Omit<NewRevocation, 'reason'>;

/**
 * Reads a key revocation list as `ssh-keygen -k` makes it (PROTOCOL.krl). Serials that follow each other
 * become one range. The problem names what is not read: signatures, extensions, SHA-1.
 */
export function readRevocationList(
  bytes: Buffer,
): readonly ListedRevocation[] | { readonly problem: string } {
  try {
    const reader = new StrictReader(bytes);
    readHeader(reader);
    const found = new Listed();
    while (!reader.ended) readSection(reader.byte(), reader.string(MOST.section), found);
    return found.entries;
  } catch (error) {
    if (error instanceof MalformedBlob) return { problem: error.message };
    throw error;
  }
}

class Listed {
  readonly entries: ListedRevocation[] = [];

  add(entry: ListedRevocation): void {
    if (this.entries.length === MOST_ENTRIES) {
      throw new MalformedBlob(`has more than ${MOST_ENTRIES} entries`);
    }
    this.entries.push(entry);
  }

  key(digest: Buffer): void {
    this.add({ kind: 'fingerprint', value: fingerprint(digest), authority: null });
  }
}

function readHeader(reader: StrictReader): void {
  let magic = 0n;
  try {
    magic = reader.uint64();
  } catch {
    // Shorter than that is none either.
  }
  if (magic !== MAGIC) throw new MalformedBlob('is no key revocation list');
  const format = reader.uint32();
  if (format !== FORMAT) throw new MalformedBlob(`is of format ${format}, which is not known`);
  // Number, time of making, flags: none of them revokes anything.
  for (let field = 0; field < 3; field += 1) reader.uint64();
  reader.string(MOST.text); // reserved
  reader.string(MOST.section); // comment
}

function readSection(type: number, bytes: Buffer, found: Listed): void {
  const reader = new StrictReader(bytes);
  switch (type) {
    case SECTION.certificates:
      readCertificates(reader, found);
      return;
    case SECTION.keys:
      while (!reader.ended) found.key(sha256(reader.string(MOST.key)));
      return;
    case SECTION.sha256:
      while (!reader.ended) {
        const digest = reader.string(32);
        if (digest.length !== 32) throw new MalformedBlob('has a SHA-256 hash that is none');
        found.key(digest);
      }
      return;
    case SECTION.sha1:
      throw new MalformedBlob('has SHA-1 hashes of keys; make them with hash: or sha256:');
    case SECTION.signature:
      throw new MalformedBlob('is signed; signatures of lists are not verified here');
    case SECTION.extension:
      throw new MalformedBlob('has an extension');
    default:
      throw new MalformedBlob(`has a section of type ${type}, which is not known`);
  }
}

function readCertificates(reader: StrictReader, found: Listed): void {
  const key = reader.string(MOST.key);
  reader.string(MOST.text); // reserved
  const authority = key.length === 0 ? null : fingerprint(sha256(key));
  while (!reader.ended) {
    const type = reader.byte();
    const part = new StrictReader(reader.string(MOST.section));
    if (type === OF_CERTIFICATES.keyIds) {
      while (!part.ended) {
        const value = keyIdOf(part.string(MOST.section));
        if (value !== null) found.add({ kind: 'key_id', value, authority });
      }
      continue;
    }
    readSerials(type, part, (first, last) => {
      if (last < first || last > LARGEST_SERIAL) {
        throw new MalformedBlob('has serials that are none');
      }
      const value = first === last ? `${first}` : `${first}-${last}`;
      found.add({ kind: 'serial', value, authority });
    });
    part.end();
  }
}

/** Null: a certificate that has it is accepted from nobody (ssh/certificate.ts). */
function keyIdOf(bytes: Buffer): string | null {
  try {
    return new StrictReader(wireString(bytes)).text(MOST.text);
  } catch {
    return null;
  }
}

function readSerials(
  type: number,
  part: StrictReader,
  take: (first: bigint, last: bigint) => void,
): void {
  switch (type) {
    case OF_CERTIFICATES.serials:
      eachRun(listed(part), take);
      return;
    case OF_CERTIFICATES.range:
      take(part.uint64(), part.uint64());
      return;
    case OF_CERTIFICATES.bitmap: {
      const offset = part.uint64();
      eachRun(set(part.positive(MOST.bitmap), offset), take);
      return;
    }
    case OF_CERTIFICATES.extension:
      throw new MalformedBlob('has an extension about certificates');
    default:
      throw new MalformedBlob(`has a part of type ${type} about certificates, which is not known`);
  }
}

function* listed(reader: StrictReader): Generator<bigint> {
  while (!reader.ended) yield reader.uint64();
}

/** The serials of the bits that are set, of which the last byte's lowest is `offset`. */
function* set(bitmap: Buffer, offset: bigint): Generator<bigint> {
  for (let bit = 0; bit < bitmap.length * 8; bit += 1) {
    const byte = bitmap[bitmap.length - 1 - (bit >> 3)] ?? 0;
    if (((byte >> (bit & 7)) & 1) === 1) yield offset + BigInt(bit);
  }
}

/** Joins numbers that follow each other. */
function eachRun(numbers: Iterable<bigint>, take: (first: bigint, last: bigint) => void): void {
  let run: { first: bigint; last: bigint } | null = null;
  for (const number of numbers) {
    if (run !== null && number === run.last + 1n) {
      run.last = number;
      continue;
    }
    if (run !== null) take(run.first, run.last);
    run = { first: number, last: number };
  }
  if (run !== null) take(run.first, run.last);
}

/** As `ssh-keygen -l` prints it. */
function fingerprint(digest: Buffer): string {
  return `SHA256:${digest.toString('base64').replace(/=+$/, '')}`;
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
