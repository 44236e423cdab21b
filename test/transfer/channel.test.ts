import { expect, test } from 'vitest';
import { InFlight } from '../../src/handoff/in-flight.ts';
import { Tap } from '../../src/handoff/tap.ts';
import { ObservedChannel } from '../../src/transfer/channel.ts';
import { Ledger } from '../../src/transfer/ledger.ts';
import type { ToObserver } from '../../src/transfer/messages.ts';
import { within } from '../support/eventually.ts';

test('the deadline of its end holds for a channel that was held up before', async () => {
  const posted: ToObserver[] = [];
  const tap = new Tap(1, () => undefined);
  const inFlight = new InFlight(1, 1000);
  const lane = inFlight.lane();
  const ledger = new Ledger('sftp', () => Promise.resolve());
  const link = { tap, post: (message: ToObserver) => posted.push(message) };
  const channel = new ObservedChannel(1, Date.now(), link, lane, ledger, 50);
  expect(channel.fromUser(Buffer.alloc(100))).toBe(false);
  const ended = channel.end(null);
  // What it waited for is read, its end is not.
  channel.read(lane.bytes);
  inFlight.settle();
  expect((await within('the end', ended)).stopped).toBe('its end was not read in time');
  expect(posted.map(({ type }) => type)).toEqual(['end', 'drop']);
});
