import { printable } from '../domain/log.ts';
import { Fields } from './fields.ts';
import { type Content, Packets } from './packets.ts';
import { Sftp } from './sftp-messages.ts';
import { allowedRequest, nameOf } from './sftp-rules.ts';
import { Unreadable } from './unreadable.ts';

/** Of the machine: answers to what was refused that may still come. */
const MOST_REFUSED = 1024;
const MOST_HEAD = 12_288;
const MOST_SHOWN = 1024;
/** Type and number, all that is looked at of what carries content. */
const SHORT_HEAD = 5;
/** Type, number. */
const VERSION = 3;
const PERMISSION_DENIED = 3;

/** What was not let through: the request, and the path with it where it has one. */
export type OnRefused = (request: string, path: string) => void;

/**
 * Stands in an SFTP stream and lets through what one direction needs. A refused request is replaced by
 * one that does nothing (REALPATH of "."), with its number, and the machine's answer to that by
 * "permission denied": so every request has its answer, in the machine's own order, and nothing has to
 * wait here. What cannot be read is let through neither way: methods throw Unreadable, and are not
 * called again. Gives what goes on instead of a chunk.
 */
export class SftpFilter {
  readonly #ways: 'upload' | 'download';
  readonly #onRefused: OnRefused;
  readonly #refused = new Set<number>();
  #out: Buffer[] = [];
  readonly #requests = new Packets({
    headOf: (type) => (type === Sftp.Write || type === Sftp.Read ? SHORT_HEAD : MOST_HEAD),
    packet: (head, length) => this.#request(head, length),
  });
  readonly #answers = new Packets({
    headOf: () => SHORT_HEAD,
    packet: (head, length) => this.#answer(head, length),
  });

  constructor(ways: 'upload' | 'download', onRefused: OnRefused) {
    this.#ways = ways;
    this.#onRefused = onRefused;
  }

  toMachine(chunk: Buffer): Buffer {
    this.#requests.take(chunk);
    return this.#taken();
  }

  toUser(chunk: Buffer): Buffer {
    this.#answers.take(chunk);
    return this.#taken();
  }

  #taken(): Buffer {
    const out = Buffer.concat(this.#out);
    this.#out = [];
    return out;
  }

  #request(head: Buffer, length: number): Content | null {
    const type = head[0] ?? 0;
    const fields = new Fields(head.subarray(1));
    const number = fields.uint32();
    if (type === Sftp.Init) {
      // Other versions have other requests: the rules are those of the third.
      const greeting = Buffer.from(head);
      greeting.writeUInt32BE(Math.min(number, VERSION), 1);
      return this.#pass(greeting, length);
    }
    if (allowedRequest(this.#ways, type, fields)) return this.#pass(head, length);
    if (this.#refused.size >= MOST_REFUSED) throw new Unreadable('too many refused requests');
    this.#refused.add(number);
    const { request, path } = nameOf(type, head);
    this.#onRefused(printable(request, 64), printable(path, MOST_SHOWN));
    this.#out.push(packet(Sftp.Realpath, number, text('.')));
    return null;
  }

  #answer(head: Buffer, length: number): Content | null {
    const type = head[0] ?? 0;
    const number = new Fields(head.subarray(1)).uint32();
    if (type === Sftp.Version && number > VERSION) throw new Unreadable(`SFTP version ${number}`);
    if (type === Sftp.Version || !this.#refused.delete(number)) return this.#pass(head, length);
    const words = [text('not allowed by your grant'), text('en')];
    this.#out.push(packet(Sftp.Status, number, uint32(PERMISSION_DENIED), ...words));
    return null;
  }

  #pass(head: Buffer, length: number): Content {
    this.#out.push(uint32(length), Buffer.from(head));
    return { body: (piece) => this.#out.push(piece), from: head.length };
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([uint32(value.length), Buffer.from(value, 'latin1')]);
}

function packet(type: number, number: number, ...fields: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.of(type), uint32(number), ...fields]);
  return Buffer.concat([uint32(payload.length), payload]);
}
