import type { Program } from '../../src/domain/terminal.ts';
import type { TransferEvent } from '../../src/domain/transfer.ts';
import { Budget } from '../../src/transfer/budget.ts';
import { transferProgram } from '../../src/transfer/command.ts';
import { Ledger } from '../../src/transfer/ledger.ts';
import { Watching } from '../../src/transfer/watching.ts';

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** An SFTP packet. */
export function packet(type: number, ...fields: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.of(type), ...fields]);
  return Buffer.concat([uint32(payload.length), payload]);
}

/** Who said it, and what; `pieces` is the most bytes that come at once. */
export type Said = readonly [from: 'user' | 'machine', bytes: Buffer];

/** What is made of a conversation, to its end. */
export function follow(
  program: Program,
  said: readonly Said[],
  pieces = Number.MAX_SAFE_INTEGER,
  budget = new Budget(),
) {
  const transfer = transferProgram(program);
  if (transfer === null || transfer.protocol === 'rsync') throw new Error('nothing to watch');
  const events: TransferEvent[] = [];
  const ledger = new Ledger(transfer.protocol, () => Promise.resolve());
  const watching = new Watching(transfer, Date.now(), budget.share(), (some) => {
    events.push(...some);
    ledger.add(some);
  });
  let at = 0;
  for (const [from, bytes] of said) {
    for (let start = 0; start < bytes.length; start += pieces) {
      at += 1;
      const piece = Buffer.from(bytes.subarray(start, start + pieces));
      if (from === 'user') watching.fromUser(at, piece);
      else watching.toUser(at, piece);
      // As the buffers between the threads: what was read is written over.
      piece.fill(0xee);
    }
  }
  watching.end(at + 1, { type: 'code', code: 0 });
  return { events, totals: ledger.totals };
}

export const SFTP: Program = { type: 'subsystem', name: 'sftp' };
