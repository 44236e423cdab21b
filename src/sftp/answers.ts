import { type Attributes, attributeBytes, longName } from './attributes.ts';
import type { Entry } from './open-directory.ts';

/** Types of answers (draft-ietf-secsh-filexfer-02 section 3). */
const VERSION = 2;
const STATUS = 101;
const HANDLE = 102;
const DATA = 103;
const NAME = 104;
const ATTRS = 105;

/** What OpenSSH's clients may use beyond version 3 (its PROTOCOL, section 4). */
const EXTENSIONS = ['posix-rename@openssh.com', 'hardlink@openssh.com'];

export function versionAnswer(): Buffer {
  const pairs = EXTENSIONS.flatMap((name) => [text(name), text('1')]);
  return packet(VERSION, uint32(3), ...pairs);
}

export function statusAnswer(id: number, status: number, words: string): Buffer {
  return packet(STATUS, uint32(id), uint32(status), text(words), text(''));
}

export function handleAnswer(id: number, handle: number): Buffer {
  return packet(HANDLE, uint32(id), text(uint32(handle)));
}

/** Most of what a server says, so its content is copied once alone. */
export function dataAnswer(id: number, bytes: Buffer): Buffer {
  return packet(DATA, uint32(id), uint32(bytes.length), bytes);
}

export function attributesAnswer(id: number, attributes: Attributes): Buffer {
  return packet(ATTRS, uint32(id), attributeBytes(attributes));
}

/** One name without attributes, of REALPATH and READLINK. */
export function pathAnswer(id: number, path: Buffer): Buffer {
  return packet(NAME, uint32(id), uint32(1), text(path), text(path), uint32(0));
}

export function entriesAnswer(id: number, entries: readonly Entry[]): Buffer {
  const each = entries.flatMap(({ name, attributes }) => [
    text(name),
    text(longName(name, attributes)),
    attributeBytes(attributes),
  ]);
  return packet(NAME, uint32(id), uint32(entries.length), ...each);
}

function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 1);
  return Buffer.concat([uint32(length), Buffer.of(type), ...fields]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}
