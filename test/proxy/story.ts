import type { Attacker } from '../ssh/raw-peer.ts';

/** Message numbers of RFC 4254. */
export const DATA = 94;
export const STDERR = 95;
export const EOF = 96;
export const CLOSE = 97;
export const REQUEST = 98;

const NAMES = new Map([
  [DATA, 'output'],
  [STDERR, 'stderr'],
  [EOF, 'EOF'],
  [CLOSE, 'CLOSE'],
]);

/** What came on channel 0, packet by packet, repetitions told once. */
export function story(attacker: Attacker): string[] {
  const told: string[] = [];
  for (const payload of attacker.payloads) {
    const type = payload[0] ?? 0;
    const name =
      type === REQUEST
        ? payload.toString('latin1', 9, 9 + payload.readUInt32BE(5))
        : NAMES.get(type);
    if (name !== undefined && told.at(-1) !== name) told.push(name);
  }
  return told;
}
