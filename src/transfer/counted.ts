import { printable } from '../domain/log.ts';
import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferTotals, TransferWatch } from '../domain/transfer.ts';
import { Clock } from './clock.ts';
import type { TransferProgram } from './command.ts';
import { type Keep, Ledger } from './ledger.ts';
import { plainEvent } from './reader.ts';

type RsyncProgram = Extract<TransferProgram, { protocol: 'rsync' }>;

/**
 * What a server's call of rsync says: which paths, which way, how many bytes of its protocol. Its
 * stream, which may be compressed and holds pieces of files, is not read.
 */
export class CountedWatch implements TransferWatch {
  readonly #program: RsyncProgram;
  readonly #ledger: Ledger;
  readonly #startedAt = Date.now();
  readonly #begun = performance.now();
  #read = 0;
  #written = 0;
  #ended: Promise<TransferTotals> | null = null;

  constructor(program: RsyncProgram, keep: Keep) {
    this.#program = program;
    this.#ledger = new Ledger('rsync', keep);
  }

  fromUser(chunk: Uint8Array): boolean {
    this.#written += chunk.length;
    return true;
  }

  toUser(chunk: Uint8Array): boolean {
    this.#read += chunk.length;
    return true;
  }

  onDrain(listener: () => void): void {
    listener();
  }

  end(exit: ExitStatus | null): Promise<TransferTotals> {
    this.#ended ??= this.#end(exit);
    return this.#ended;
  }

  #end(exit: ExitStatus | null): Promise<TransferTotals> {
    const { direction, paths } = this.#program;
    const clock = new Clock(this.#startedAt);
    const event = plainEvent(clock, {
      protocol: 'rsync',
      operation: 'tree',
      path: printable(paths.join(' '), 1024),
      direction,
      bytesRead: this.#read,
      bytesWritten: this.#written,
      result: resultOf(exit),
      duration: Math.round(performance.now() - this.#begun),
    });
    this.#ledger.add([event]);
    return Promise.resolve(this.#ledger.totals);
  }
}

function resultOf(exit: ExitStatus | null): string {
  if (exit === null) return 'cut';
  if (exit.type === 'signal') return `signal ${exit.signal}`;
  return exit.code === 0 ? 'ok' : `exit ${exit.code}`;
}
