import { printable } from '../domain/log.ts';
import type { TransferOperation } from '../domain/transfer.ts';
import type { Share } from './budget.ts';
import type { Clock } from './clock.ts';
import { Fields } from './fields.ts';
import { OpenFile } from './open-file.ts';
import { OpenFiles } from './open-files.ts';
import { type Content, Packets } from './packets.ts';
import { plainEvent, type Report, type TransferReader } from './reader.ts';
import { EOF, resultOf, Sftp } from './sftp-messages.ts';
import { Unreadable } from './unreadable.ts';

/** What may be kept in mind of one channel. */
const MOST_REQUESTS = 4096;
/** Of these, such as have a path with them. */
const MOST_NAMED = 512;
const MOST_HANDLE = 256;
/** Linux's longest path; two of them and a request's other fields fit in a head. */
const MOST_PATH = 4096;
const MOST_HEAD = 3 * MOST_PATH;
const MOST_SHOWN = 1024;
/** Type, id, handle with its length, offset, length of the data. */
const WRITE_HEAD = 1 + 4 + 4 + MOST_HANDLE + 8 + 4;
const DATA_HEAD = 1 + 4 + 4;
/** Bytes that a request which waits for its answer costs. */
const REQUEST = 96;

/** What an answer of the machine is waited for. */
type Pending =
  | { readonly type: 'open'; readonly file: OpenFile }
  | { readonly type: 'close'; readonly handle: string }
  | { readonly type: 'read'; readonly file: OpenFile; readonly offset: number }
  | { readonly type: 'write'; readonly file: OpenFile; readonly length: number }
  | { readonly type: 'change'; readonly change: Change }
  /** Of no interest but for its number. */
  | { readonly type: 'other' };

interface Change {
  readonly operation: TransferOperation;
  readonly path: string;
  readonly target: string | null;
  readonly startedAt: Date;
  readonly begun: number;
}

/** Types of requests whose first field is the one path that they change. */
const CHANGES: Readonly<Record<number, TransferOperation>> = {
  [Sftp.Setstat]: 'setstat',
  [Sftp.Remove]: 'remove',
  [Sftp.Mkdir]: 'mkdir',
  [Sftp.Rmdir]: 'rmdir',
};

/** OpenSSH's extensions with two paths: from where, to where (PROTOCOL, section 4). */
const EXTENDED: ReadonlyMap<string, TransferOperation> = new Map([
  ['posix-rename@openssh.com', 'rename'],
  ['hardlink@openssh.com', 'hardlink'],
]);

function shown(path: Buffer): string {
  const text = printable(path.toString('utf8'), MOST_SHOWN);
  // A copy: what was cut off would be kept with it.
  return Buffer.from(text).toString();
}

/** Follows SFTP version 3 both ways: requests are matched with their answers by id. */
export class SftpReader implements TransferReader {
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #share: Share;
  readonly #pending = new Map<number, Pending>();
  readonly #files = new OpenFiles();
  #named = 0;
  readonly #requests = new Packets({
    headOf: (type) => (type === Sftp.Write ? WRITE_HEAD : MOST_HEAD),
    packet: (head, length) => this.#request(head, length),
  });
  readonly #answers = new Packets({
    headOf: (type) => (type === Sftp.Data ? DATA_HEAD : MOST_HANDLE + DATA_HEAD),
    packet: (head, length) => this.#answer(head, length),
  });

  constructor(clock: Clock, report: Report, share: Share) {
    this.#clock = clock;
    this.#share = share;
    this.#report = report;
  }

  fromUser(chunk: Buffer): void {
    this.#requests.take(chunk);
  }

  toUser(chunk: Buffer): void {
    this.#answers.take(chunk);
  }

  end(): void {
    for (const pending of this.#pending.values()) {
      if (pending.type === 'open') this.#done(pending.file, 'cut');
      if (pending.type === 'change') this.#changed(pending.change, 'cut');
    }
    for (const file of this.#files.take()) this.#done(file, 'cut');
    this.#pending.clear();
  }

  #request(head: Buffer, length: number): Content | null {
    const type = head[0] ?? 0;
    if (type === Sftp.Init) return null;
    const fields = new Fields(head.subarray(1));
    const id = fields.uint32();
    switch (type) {
      case Sftp.Open: {
        const path = shown(fields.cstring(MOST_PATH));
        const file = new OpenFile(this.#clock, 'sftp', path, fields.uint32());
        this.#share.hold(path);
        this.#expect(id, { type: 'open', file });
        return null;
      }
      case Sftp.Close:
        this.#expect(id, { type: 'close', handle: this.#files.closing(handle(fields)) });
        return null;
      case Sftp.Read:
        this.#expect(id, { type: 'read', file: this.#opened(fields), offset: fields.uint64() });
        return null;
      case Sftp.Write:
        return this.#write(id, fields, length);
      default:
        if (!this.#change(type, id, fields)) this.#expect(id, { type: 'other' });
        return null;
    }
  }

  #opened(fields: Fields): OpenFile {
    return this.#files.used(handle(fields));
  }

  #write(id: number, fields: Fields, length: number): Content {
    const file = this.#opened(fields);
    const offset = fields.uint64();
    const content = contentOf(fields, length);
    file.piece('write', offset, content.length);
    this.#expect(id, { type: 'write', file, length: content.length });
    return { body: (piece) => file.feed(piece), from: content.from };
  }

  /** Whether this is a request that changes something. */
  #change(type: number, id: number, fields: Fields): boolean {
    const operation = CHANGES[type];
    if (operation) this.#expectChange(id, operation, fields.cstring(MOST_PATH));
    else if (type === Sftp.Rename) this.#expectTwo(id, 'rename', fields);
    else if (type === Sftp.Symlink) {
      // OpenSSH has the two the other way round than the draft.
      const target = fields.cstring(MOST_PATH);
      this.#expectChange(id, 'symlink', fields.cstring(MOST_PATH), target);
    } else if (type === Sftp.Fsetstat) {
      this.#expectChange(id, 'setstat', this.#opened(fields).path);
    } else return type === Sftp.Extended && this.#extended(id, fields);
    return true;
  }

  #extended(id: number, fields: Fields): boolean {
    const name = fields.cstring(MOST_PATH).toString('latin1');
    const operation = EXTENDED.get(name);
    if (operation) this.#expectTwo(id, operation, fields);
    else if (name === 'lsetstat@openssh.com') {
      this.#expectChange(id, 'setstat', fields.cstring(MOST_PATH));
    } else if (name === 'copy-data') {
      const source = this.#opened(fields);
      fields.uint64();
      fields.uint64();
      this.#expectChange(id, 'copy', source.path, this.#opened(fields).path);
    } else return false;
    return true;
  }

  #expectTwo(id: number, operation: TransferOperation, fields: Fields): void {
    const from = fields.cstring(MOST_PATH);
    this.#expectChange(id, operation, from, fields.cstring(MOST_PATH));
  }

  #expectChange(
    id: number,
    operation: TransferOperation,
    path: Buffer | string,
    target: Buffer | string | null = null,
  ): void {
    const text = (one: Buffer | string) => (typeof one === 'string' ? one : shown(one));
    const change = {
      operation,
      path: text(path),
      target: target === null ? null : text(target),
      startedAt: this.#clock.date(),
      begun: this.#clock.at,
    };
    this.#share.hold(namesOf(change));
    this.#expect(id, { type: 'change', change });
  }

  #expect(id: number, pending: Pending): void {
    if (this.#pending.has(id)) throw new Unreadable('two requests with one number');
    if (this.#pending.size >= MOST_REQUESTS) throw new Unreadable('too many requests at once');
    if (isNamed(pending)) this.#named += 1;
    if (this.#named > MOST_NAMED) throw new Unreadable('too many requests with paths at once');
    this.#share.take(REQUEST);
    this.#pending.set(id, pending);
  }

  #expected(id: number): Pending {
    const pending = this.#pending.get(id);
    if (!pending) throw new Unreadable('an answer that nobody asked for');
    this.#pending.delete(id);
    this.#share.give(REQUEST);
    if (isNamed(pending)) this.#named -= 1;
    return pending;
  }

  #answer(head: Buffer, length: number): Content | null {
    const type = head[0] ?? 0;
    const fields = new Fields(head.subarray(1));
    const id = fields.uint32();
    if (type === Sftp.Version) {
      if (id !== 3) throw new Unreadable(`SFTP version ${id}`);
      return null;
    }
    const pending = this.#expected(id);
    if (pending.type === 'other') return null;
    if (type === Sftp.Status) this.#status(pending, fields.uint32());
    else if (type === Sftp.Handle && pending.type === 'open') {
      this.#files.add(handle(fields), pending.file);
    } else if (type === Sftp.Data && pending.type === 'read') {
      const { file, offset } = pending;
      const content = contentOf(fields, length);
      file.piece('read', offset, content.length);
      file.bytesRead += content.length;
      return { body: (piece) => file.feed(piece), from: content.from };
    } else throw new Unreadable('an answer that fits no request');
    return null;
  }

  #status(pending: Pending, code: number): void {
    const result = resultOf(code);
    switch (pending.type) {
      case 'open':
        this.#done(pending.file, result);
        break;
      case 'close': {
        const file = this.#files.closed(pending.handle);
        if (file) this.#done(file, result);
        break;
      }
      case 'read':
        if (code !== EOF) pending.file.fail(result);
        break;
      case 'write':
        if (code === 0) pending.file.bytesWritten += pending.length;
        else pending.file.fail(result);
        break;
      case 'change':
        this.#changed(pending.change, result);
        break;
      case 'other':
        break;
      default:
        pending satisfies never;
    }
  }

  #done(file: OpenFile, result: string): void {
    this.#share.release(file.path);
    this.#report(file.event(result));
  }

  #changed({ begun, ...change }: Change, result: string): void {
    this.#share.release(namesOf(change));
    const duration = this.#clock.since(begun);
    const event = { protocol: 'sftp', ...change, result, duration } as const;
    this.#report(plainEvent(this.#clock, event));
  }
}

function handle(fields: Fields): string {
  return fields.string(MOST_HANDLE).toString('latin1');
}

function namesOf({ path, target }: Pick<Change, 'path' | 'target'>): string {
  return path + (target ?? '');
}

function isNamed(pending: Pending): boolean {
  return pending.type === 'open' || pending.type === 'change';
}

/** The string at the end of a WRITE or of a DATA: it has to be all that is left of its packet. */
function contentOf(fields: Fields, packetLength: number): { length: number; from: number } {
  const length = fields.uint32();
  const from = 1 + fields.at;
  if (from + length !== packetLength) throw new Unreadable('content that does not fill its packet');
  return { length, from };
}
