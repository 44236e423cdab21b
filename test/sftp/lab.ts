import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import type { ContainerExec } from '../../src/domain/container-engine.ts';
import type { SftpServer } from '../../src/sftp/server.ts';
import { within } from '../support/eventually.ts';
import { packet, text, uint32, uint64 } from '../transfer/wire.ts';

/** Attributes that say nothing. */
export const NONE = uint32(0);

/** This computer in a container's place. */
export class Here {
  readonly running = new Set<ChildProcess>();
  begun = 0;

  readonly run = async ([program = '', ...args]: readonly string[]): Promise<ContainerExec> => {
    const child = spawn(program, args, { cwd: '/', stdio: 'pipe' });
    this.running.add(child);
    this.begun += 1;
    child.stdin.on('error', () => undefined);
    child.once('exit', () => this.running.delete(child));
    const exited = once(child, 'close').then(([code]) => code as number | null);
    await once(child, 'spawn');
    return {
      ...{ id: String(child.pid), stdin: child.stdin, stdout: child.stdout, stderr: child.stderr },
      ...{ exited, resize: () => Promise.resolve() },
      // As an engine: the program goes on, and nobody reads what it writes.
      close: () => {
        child.stdin.end();
        child.once('exit', () => child.stdout.destroy());
      },
    };
  };
}

/** What a client sees of an answer. */
interface Answer {
  readonly type: number;
  /** Behind its number. */
  readonly body: Buffer;
}

/** What a client speaks to. */
interface Spoken {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
}

export class Client<S extends Spoken = SftpServer> {
  readonly server: S;
  #held = Buffer.alloc(0);
  #id = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor(server: S) {
    this.server = server;
    server.stdout.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      while (this.#held.length >= 4 && this.#held.length >= 4 + this.#held.readUInt32BE()) {
        const end = 4 + this.#held.readUInt32BE();
        const answer = this.#held.subarray(4, end);
        this.#held = this.#held.subarray(end);
        const id = answer.readUInt32BE(1);
        this.#waiting.get(id)?.({ type: answer.readUInt8(), body: answer.subarray(5) });
      }
    });
  }

  ask(type: number, ...fields: readonly Buffer[]): Promise<Answer> {
    this.#id += 1;
    const id = this.#id;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.server.stdin.write(packet(type, uint32(id), ...fields));
    return within(`an answer to ${type}`, answered, 30_000);
  }

  /** Its code. */
  async status(type: number, ...fields: readonly Buffer[]): Promise<number> {
    const { type: answer, body } = await this.ask(type, ...fields);
    expect(answer).toBe(101);
    return body.readUInt32BE();
  }

  /** A handle, as a field. */
  async open(path: string | Buffer, flags: number, attributes = NONE): Promise<Buffer> {
    const { type, body } = await this.ask(3, text(path), uint32(flags), attributes);
    expect([type, body.toString('latin1')]).toEqual([102, expect.anything()]);
    return body;
  }

  /** Null: the end. */
  async read(handle: Buffer, offset: number, length: number): Promise<string | null> {
    const { type, body } = await this.ask(5, handle, uint64(offset), uint32(length));
    if (type === 103) return body.toString('latin1', 4);
    expect([type, body.readUInt32BE()]).toEqual([101, 1]);
    return null;
  }

  async write(handle: Buffer, offset: number, bytes: string): Promise<void> {
    expect(await this.status(6, handle, uint64(offset), text(bytes))).toBe(0);
  }

  async close(handle: Buffer): Promise<void> {
    expect(await this.status(4, handle)).toBe(0);
  }

  async names(path: string): Promise<readonly Buffer[]> {
    const { body: handle } = await this.ask(11, text(path));
    const names: Buffer[] = [];
    for (;;) {
      const { type, body } = await this.ask(12, handle);
      if (type === 101) break;
      let at = 4;
      for (let left = body.readUInt32BE(); left > 0; left -= 1) {
        const end = at + 4 + body.readUInt32BE(at);
        names.push(body.subarray(at + 4, end));
        at = end + 4 + body.readUInt32BE(end) + 32;
      }
    }
    await this.close(handle);
    return names;
  }
}
