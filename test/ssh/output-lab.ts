import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { wireString } from '../../src/ssh/wire.ts';
import { Lab } from './lab.ts';
import { Attacker } from './raw-peer.ts';

export const MIB = 2 ** 20;
export const exec = (command: string) => ({ program: { type: 'exec', command } }) as const;

/** Bytes in which every position differs from its neighbours. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) + seed) & 0xff;
  return bytes;
}

export const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const got: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => got.push(bytes));
  return once(stream, 'end').then(() => Buffer.concat(got));
}

/** A program running on channel 0 whose window the attacker rules. */
export async function withWindow(window: number, limits = {}) {
  const lab = await Lab.start({ limits });
  const attacker = await Attacker.ready(lab.port);
  attacker.openSession(window);
  await attacker.hears(91);
  attacker.request('exec', true, wireString('x'));
  await attacker.hears(99);
  const channel = lab.channels[0];
  if (!channel) throw new Error('no channel');
  return {
    lab,
    attacker,
    channel,
    async [Symbol.asyncDispose]() {
      await attacker[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}
