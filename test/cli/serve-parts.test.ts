import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readReadyFile, removeReadyFile, writeReadyFile } from '../../src/cli/ready-file.ts';
import type { RunningApp } from '../../src/cli/running-app.ts';
import { welcomeText } from '../../src/cli/serve.ts';
import { Shutdown } from '../../src/cli/shutdown.ts';
import { createLogger } from '../../src/log/logger.ts';
import { scratch } from '../support/scratch.ts';

const FACTS = {
  ssh: { host: '127.0.0.1', port: 2222 },
  http: { url: 'http://127.0.0.1:8080' },
  pid: process.pid,
  admin_token_file: '/data/admin-token',
};

describe('the ready file', () => {
  test('is written whole for its owner, found, and removed', () => {
    using dir = scratch();
    const file = dir.join('ready.json');
    writeReadyFile(file, FACTS);
    expect(readdirSync(dir.path)).toEqual(['ready.json']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(FACTS);
    expect(readReadyFile(file)).toEqual(FACTS);
    removeReadyFile(file);
    expect(readdirSync(dir.path)).toEqual([]);
  });

  test('of another server stays', () => {
    using dir = scratch();
    const file = dir.join('ready.json');
    writeReadyFile(file, { ...FACTS, pid: process.pid + 1 });
    removeReadyFile(file);
    expect(readReadyFile(file)?.pid).toBe(process.pid + 1);
  });

  test.each(['', '{', '[]', '{"http":{"url":1},"pid":1,"admin_token_file":""}'])(
    '%j is none',
    (text) => {
      using dir = scratch();
      writeFileSync(dir.join('ready.json'), text);
      expect(readReadyFile(dir.join('ready.json'))).toBeNull();
    },
  );
});

test('the start text has the commands, the console and the data', () => {
  const text = welcomeText(
    {
      commands: [{ line: 'ssh -p 2222 demo@127.0.0.1', note: 'a shell' }],
      console: 'http://127.0.0.1:8080/x',
      data: './data',
      notes: ['one', 'two'],
    },
    true,
  );
  expect(text).toMatch(/^ {2}ssh -p 2222 demo@127\.0\.0\.1$/m);
  expect(text).toMatch(/^ {2}Console {3}http:\/\/127\.0\.0\.1:8080\/x$/m);
  expect(text.match(/^ {2}Note/gm)).toHaveLength(2);
});

describe('a server', () => {
  function make(drain: () => Promise<void>, deadline?: number) {
    const reasons: string[] = [];
    const exits: number[] = [];
    const log = createLogger({ level: 'error', format: 'json', stream: new PassThrough() });
    const shutdown = new Shutdown({
      log,
      exit: (status) => exits.push(status),
      ...(deadline === undefined ? {} : { deadline }),
    });
    const app: RunningApp = {
      ready: FACTS,
      welcome: { commands: [], console: '', data: '', notes: [] },
      drain: (reason) => {
        reasons.push(reason);
        return drain();
      },
    };
    return { shutdown, app, reasons, exits };
  }

  test('drains at the first signal and ends with status 0', async () => {
    const { shutdown, app, reasons, exits } = make(() => Promise.resolve());
    shutdown.started(app);
    shutdown.signal('SIGTERM');
    expect(await shutdown.ended).toBe(0);
    expect([reasons, exits]).toEqual([['SIGTERM'], []]);
  });

  test('takes the echo of a signal (npm passes Ctrl-C on) for the same', async () => {
    const { shutdown, app, reasons, exits } = make(() => Promise.resolve());
    shutdown.started(app);
    shutdown.signal('SIGINT');
    shutdown.signal('SIGINT');
    expect(await shutdown.ended).toBe(0);
    expect([reasons, exits]).toEqual([['SIGINT'], []]);
  });

  test('leaves at once when a signal comes before it is up', () => {
    const { shutdown, exits } = make(() => Promise.resolve());
    shutdown.signal('SIGINT');
    expect(exits).toEqual([1]);
  });

  test('leaves with status 1 when the drain takes too long', async () => {
    const { shutdown, app, exits } = make(() => new Promise(() => undefined), 20);
    shutdown.started(app);
    shutdown.signal('SIGINT');
    await expect.poll(() => exits).toEqual([1]);
  });

  test('ends with status 1 when the drain fails', async () => {
    const { shutdown, app } = make(() => Promise.reject(new Error('disk')));
    shutdown.started(app);
    shutdown.signal('SIGINT');
    expect(await shutdown.ended).toBe(1);
  });

  test('leaves with status 1 at an error that nobody handled', () => {
    const { shutdown, app, exits } = make(() => Promise.resolve());
    shutdown.started(app);
    shutdown.fail(new Error('bug'));
    expect(exits).toEqual([1]);
  });

  test('leaves at once at a second signal', async () => {
    const { shutdown, app, exits } = make(() => new Promise(() => undefined));
    shutdown.started(app);
    shutdown.signal('SIGINT');
    await expect
      .poll(
        () => {
          shutdown.signal('SIGINT');
          return exits[0];
        },
        { timeout: 3000 },
      )
      .toBe(1);
  });
});
