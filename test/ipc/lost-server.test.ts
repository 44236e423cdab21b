import { expect, test } from 'vitest';
import type { RunningApp } from '../../src/cli/running-app.ts';
import { Shutdown } from '../../src/cli/shutdown.ts';
import { within } from '../support/eventually.ts';
import { keptLog } from './kept-log.ts';

function app(failed: Promise<string>): { app: RunningApp; drains: string[] } {
  const drains: string[] = [];
  const running: RunningApp = {
    ready: { ssh: { host: 'h', port: 1 }, http: { url: 'u' }, pid: 1, admin_token_file: 'f' },
    welcome: { commands: [], console: '', data: '', notes: [] },
    failed,
    drain: async (reason) => void drains.push(reason),
  };
  return { app: running, drains };
}

test('a server that has lost its workers drains once, and ends with status 1', async () => {
  const { log, text } = keptLog();
  const exits: number[] = [];
  const shutdown = new Shutdown({ log, exit: (status) => exits.push(status) });
  const failed = Promise.withResolvers<string>();
  const { app: running, drains } = app(failed.promise);
  shutdown.started(running);
  failed.resolve('worker 1 could not be started again');
  expect(await within('the end', shutdown.ended)).toBe(1);
  expect(drains).toEqual(['worker 1 could not be started again']);
  expect(exits).toEqual([]);
  expect(text()).toContain('the server cannot go on');
});

test('workers that are lost while it drains already change nothing', async () => {
  const { log } = keptLog();
  const shutdown = new Shutdown({ log, exit: () => undefined });
  const failed = Promise.withResolvers<string>();
  const { app: running, drains } = app(failed.promise);
  shutdown.started(running);
  shutdown.signal('SIGTERM');
  failed.resolve('lost');
  expect(await within('the end', shutdown.ended)).toBe(0);
  expect(drains).toEqual(['SIGTERM']);
});
