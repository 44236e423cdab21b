import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/domain/log.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createLogger, type LoggerOptions } from '../../src/log/logger.ts';

function logged(
  options: Partial<Omit<LoggerOptions, 'stream'>>,
  use: (log: ReturnType<typeof createLogger>) => void,
): string {
  const stream = new PassThrough();
  use(createLogger({ level: 'debug', format: 'json', ...options, stream }));
  return String(stream.read() ?? '');
}

function fieldsOf(fields: LogFields): Record<string, unknown> {
  return JSON.parse(logged({}, (log) => log.info('x', fields)));
}

describe('the log', () => {
  test('as JSON has time, level, message and the fields of its parents, a line each', () => {
    const text = logged({}, (log) => {
      const child = log.child({ session: 7 }).child({ user: 'alice' });
      child.warn('it broke', { reason: 'disk', session: 8, nothing: undefined });
      log.error('again');
    });
    const [first = '', second = '', rest] = text.split('\n');
    expect(JSON.parse(first)).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'warn',
      msg: 'it broke',
      session: 8,
      user: 'alice',
      reason: 'disk',
    });
    expect(JSON.parse(second)).toMatchObject({ level: 'error', msg: 'again' });
    expect(rest).toBe('');
  });

  test('for people is one line with what matters', () => {
    const text = logged({ format: 'pretty' }, (log) => {
      log.info('ready', { url: 'http://x', note: 'two words', none: null });
    });
    expect(text).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}ready {2}url=http:\/\/x {2}note="two words" {2}none=null\n$/,
    );
  });

  test('leaves out what is below its level', () => {
    const text = logged({ level: 'warn' }, (log) => {
      log.debug('a');
      log.info('b');
      log.warn('c');
    });
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  test.each(['pretty', 'json'] as const)('has no control character in %s', (format) => {
    const text = logged({ format }, (log) => {
      log.info('a\u001b[2Jb\nc\u009bd\u202ee', { 'f\u0007': 'g\r\nh\u2028' });
    });
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(text).toContain('x1b[2Jb');
  });

  test.each([
    'password',
    'newPassword',
    'passphrase',
    'token',
    'accessToken',
    'client_secret',
    'authorization',
    'Cookie',
    'privateKey',
    'api_key',
    'stdin',
    'output',
  ])('never has the value of a field called %s', (name) => {
    expect(fieldsOf({ [name]: 'hunter2' })[name]).toBe('<secret>');
  });

  test('has what only sounds secret', () => {
    const fields = { token_id: 'tok_1', admin_token_file: '/x', key: 'k', bytesOut: 5, tokens: 3 };
    expect(fieldsOf(fields)).toMatchObject(fields);
  });

  test('has no private key, wherever it stands', () => {
    const pem = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----';
    const text = logged({}, (log) => log.error(`cannot read ${pem}`, { reason: pem }));
    expect(text).not.toContain('AAAA');
    expect(text).toContain('cannot read <secret>');
  });

  test('shows no Secret and no object that came past the types', () => {
    const pairs: readonly (readonly unknown[])[] = [
      ['a', new Secret('hunter2')],
      ['b', { deep: 'hunter2' }],
      ['c', Buffer.from('hunter2')],
    ];
    const text = logged({}, (log) => log.info('x', Object.fromEntries(pairs)));
    expect(text).not.toContain('hunter2');
    expect(JSON.parse(text)).toMatchObject({ a: '<secret>', b: '<object>' });
  });

  test('keeps its own fields from being replaced', () => {
    expect(fieldsOf({ level: 'z', time: 'y' })).toMatchObject({
      level: 'info',
      level_: 'z',
      time_: 'y',
    });
  });

  test('survives a reader that went away', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })),
    });
    const closed = new Promise((resolve) => gone.once('close', resolve));
    const log = createLogger({ level: 'info', format: 'json', stream: gone });
    log.info('one');
    await closed;
    expect(() => log.info('two')).not.toThrow();
  });

  test('is bounded when nobody reads, and says how much was lost', () => {
    const stuck: (() => void)[] = [];
    const lines: string[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        lines.push(chunk.toString());
        stuck.push(done);
      },
    });
    const log = createLogger({ level: 'info', format: 'json', stream });
    for (let at = 0; at < 10_000; at++) log.info('x'.repeat(1000));
    expect(stream.writableLength).toBeLessThan(5 * 1024 * 1024);
    while (stuck.length > 0) stuck.shift()?.();
    while (stream.writableLength > 0) stuck.shift()?.();
    log.info('after');
    while (stuck.length > 0) stuck.shift()?.();
    expect(lines.join('')).toMatch(/log lines were dropped.*"lines":\d{4}/);
  });
});
