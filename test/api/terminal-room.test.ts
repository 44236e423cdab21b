import { afterEach, expect, test, vi } from 'vitest';
import { TerminalRoom } from '../../src/api/terminal-room.ts';
import type { TerminalLeave } from '../../src/domain/web-terminal.ts';
import { keptLog } from '../ipc/kept-log.ts';

const WINDOW = { cols: 80, rows: 24, width: 0, height: 0 };

afterEach(() => {
  vi.useRealTimers();
});

function openRoom() {
  const left: [number, TerminalLeave][] = [];
  const none = (): never => {
    throw new Error('nobody asks for this here');
  };
  const terminals = {
    ...{ openTerminal: none, startTerminal: none, terminalOutput: none, terminalInput: none },
    ...{ resizeTerminal: none, tryMachine: none },
    leaveTerminal: (id: number, how: TerminalLeave) => {
      left.push([id, how]);
      return Promise.resolve();
    },
  };
  const room = new TerminalRoom(terminals, keptLog().log);
  const keep = (sessionId: number, userId = 1) =>
    room.keep({ sessionId, userId, tokenHash: 'of its token', window: WINDOW });
  return { room, left, keep };
}

test('a session that nobody opened in five minutes ends, and its token with it', async () => {
  vi.useFakeTimers();
  const { room, left, keep } = openRoom();
  const [used, unused] = [await keep(1), await keep(2)];
  expect(await room.redeem(1, used.token)).toMatchObject({ sessionId: 1, userId: 1 });
  expect(await room.redeem(1, used.token)).toBeNull();
  expect(await room.redeem(2, used.token)).toBeNull();
  vi.advanceTimersByTime(5 * 60_000);
  expect(left).toEqual([[2, 'unused']]);
  expect(await room.redeem(2, unused.token)).toBeNull();
});

test('one user may have a bound of them, and another one some all the same', async () => {
  const { room, keep } = openRoom();
  for (let id = 1; id <= 20; id += 1) await keep(id);
  expect(() => room.makeRoom(1)).toThrow('you have 20 terminals that nobody has opened');
  expect(() => room.makeRoom(2)).not.toThrow();
  await room.close();
  expect(() => room.makeRoom(1)).not.toThrow();
});
