import { describe, expect, test } from 'vitest';
import { CAPABILITIES, capabilityOf, isCapability } from '../../src/domain/capability.ts';
import { HTTP_STATUS } from '../../src/domain/error-entry.ts';
import { CATALOGUE, type ErrorCode, PosternError, sentence } from '../../src/domain/errors.ts';
import { printable, reasonOf } from '../../src/domain/log.ts';
import { holdsScope, isScope, ROLES, SCOPES, scopesOfRole } from '../../src/domain/role.ts';
import { END_REASONS, mayFollow, SESSION_STATUSES, statusAfter } from '../../src/domain/session.ts';
import { clampWindow, exitNumber } from '../../src/domain/terminal.ts';

const CODES = Object.keys(CATALOGUE) as ErrorCode[];

describe('the catalogue of errors', () => {
  test.each(CODES)('%s: its text is whole when its parameters are given', (code) => {
    const { text, api, exit } = CATALOGUE[code];
    const names = [...text.matchAll(/\{([^}]*)\}/g)].map(([, name = '']) => name);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z_]*$/);
    const params = Object.fromEntries(names.map((name) => [name, `<${name}>`]));
    const told = sentence(code, params);
    expect(told).not.toMatch(/[{}]/);
    for (const name of names) expect(told).toContain(`<${name}>`);
    expect(told).toBe(printable(told, 1000));
    expect(told).not.toMatch(/\.$/);
    expect(HTTP_STATUS[api]).toBeGreaterThanOrEqual(400);
    expect([254, 255]).toContain(exit);
  });

  test('254 is for recordings alone', () => {
    const codes = CODES.filter((code) => CATALOGUE[code].exit === 254);
    expect(codes).toEqual(['recording.refused', 'recording.no_room', 'recording.broke']);
  });

  test('a parameter is filled in once: what it holds is not read again', () => {
    const params = { machine: '{reason}', reason: '{machine} $& $1' };
    expect(sentence('machine.unreachable', params)).toBe('cannot reach {reason}: {machine} $& $1');
    expect(sentence('session.terminated')).toBe('this session was ended by {by}');
    expect(sentence('request.rate_limited', { seconds: 0 })).toContain('in 0 s');
  });

  test('an error keeps its cause from the sentence', () => {
    const cause = new Error('secret detail');
    const error = new PosternError('machine.lost', { machine: 'web1' }, { cause });
    expect(error.message).toBe('the connection to web1 was lost');
    expect([error.cause, error.code, error.name, error.problems]).toEqual([
      cause,
      'machine.lost',
      'PosternError',
      [],
    ]);
    expect('cause' in new PosternError('internal')).toBe(false);
  });
});

describe('text from outside, made fit for a line', () => {
  test('no control character, line end or mark of direction is left, of all there are', () => {
    const bad = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/u;
    for (let start = 0; start < 0x11_0000; start += 0x1000) {
      const codes = Array.from({ length: 0x1000 }, (_, index) => start + index);
      const text = codes.map((code) => `${String.fromCodePoint(code)} `).join('');
      const shown = printable(text, 6 * text.length);
      expect(bad.test(shown)).toBe(false);
    }
  });

  test('what is readable stays as it is', () => {
    const text = 'alice "rm -rf" \\x1b ünïcödé 漢字 שלום 👩‍💻';
    expect(printable(text)).toBe(text);
  });

  test('each is written so that it can be told from the others', () => {
    expect(printable('a\r\n\u001b[2J\u007f\u009b\0')).toBe('a\\x0d\\x0a\\x1b[2J\\x7f\\x9b\\x00');
    expect(printable('\u2028\u202e\u200f')).toBe('\\u2028\\u202e\\u200f');
  });

  test('it is cut, never in the middle of a character', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('ab😀cd', 3)).toBe('ab…');
    expect(printable('x'.repeat(1000)).length).toBe(201);
  });

  test('it is no longer for what is written out, and no escape is cut in two', () => {
    expect(printable('\u202e'.repeat(1000), 100)).toBe(`${'\\u202e'.repeat(16)}…`);
    expect(printable('ab\0', 5)).toBe('ab…');
    expect(printable('a\0', 5)).toBe('a\\x00');
  });

  test('anything that was thrown has a reason', () => {
    expect(reasonOf(new Error('a\nb'))).toBe('a\\x0ab');
    expect(reasonOf('text')).toBe('text');
    expect(reasonOf(undefined)).toBe('undefined');
    expect(reasonOf(Object.create(null))).toBe('[object Object]');
  });
});

describe('terminals', () => {
  test.each([
    [
      [80, 24, 0, 0],
      [80, 24, 0, 0],
    ],
    [
      [0, 0, 0, 0],
      [80, 24, 0, 0],
    ],
    [
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [65535, 65535, 65535, 65535],
    ],
    [
      [-5, -5, -5, -5],
      [1, 1, 0, 0],
    ],
    [
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY],
      [1, 1, 0, 0],
    ],
    [
      [80.9, 24.2, 0.5, 1.9],
      [80, 24, 0, 1],
    ],
  ])('a window of %j is %j', ([cols = 0, rows = 0, width = 0, height = 0], expected) => {
    const window = clampWindow({ cols, rows, width, height });
    expect([window.cols, window.rows, window.width, window.height]).toEqual(expected);
  });

  test.each([
    [{ type: 'code', code: 0 }, 0],
    [{ type: 'code', code: 255 }, 255],
    [{ type: 'code', code: 0xffffffff }, 0xffffffff],
    [{ type: 'signal', signal: 'TERM', coreDumped: false, message: '' }, 143],
    [{ type: 'signal', signal: 'KILL', coreDumped: false, message: '' }, 137],
    [{ type: 'signal', signal: 'SEGV', coreDumped: true, message: '' }, 139],
    [{ type: 'signal', signal: 'odd@here', coreDumped: false, message: '' }, 255],
    [{ type: 'signal', signal: 'toString', coreDumped: false, message: '' }, 255],
  ] as const)('an exit of %j is %d for a shell', (exit, number) => {
    expect(exitNumber(exit)).toBe(number);
  });

  test.each([
    [{ type: 'shell' }, 'shell'],
    [{ type: 'exec', command: 'scp -t .' }, 'exec'],
    [{ type: 'subsystem', name: 'sftp' }, 'sftp'],
    [{ type: 'subsystem', name: 'SFTP' }, 'exec'],
    [{ type: 'subsystem', name: 'netconf' }, 'exec'],
  ] as const)('%j needs %s', (program, capability) => {
    expect(capabilityOf(program)).toBe(capability);
  });

  test('what is not named is no capability', () => {
    expect(CAPABILITIES.every(isCapability)).toBe(true);
    expect(['', 'Shell', 'all', '*', 'toString'].some(isCapability)).toBe(false);
  });
});

describe('the life of a session', () => {
  test('goes forward only', () => {
    const ways = SESSION_STATUSES.flatMap((from) =>
      SESSION_STATUSES.filter((to) => mayFollow(from, to)).map((to) => `${from} ${to}`),
    );
    expect(ways).toEqual([
      'pending active',
      'pending stopped',
      'pending failed',
      'active stopped',
      'active failed',
    ]);
  });

  test('every reason leads to an end that may follow from every living state', () => {
    for (const reason of END_REASONS) {
      for (const from of ['pending', 'active'] as const) {
        expect(mayFollow(from, statusAfter(reason))).toBe(true);
      }
    }
    const failed = END_REASONS.filter((reason) => statusAfter(reason) === 'failed');
    expect(failed).toEqual([
      'machine_unreachable',
      'machine_auth_failed',
      'host_key_changed',
      'recording_failed',
      'not_created',
      'internal_error',
    ]);
  });
});

describe('roles', () => {
  test('an admin holds every scope, others what is named', () => {
    const held = (role: (typeof ROLES)[number]) =>
      SCOPES.filter((scope) => holdsScope(scopesOfRole(role), scope));
    expect(held('admin')).toEqual(SCOPES);
    expect(held('member')).not.toContain('users:read');
    expect(held('member')).not.toContain('admin');
    expect(held('viewer').filter((scope) => /write|admin|redeploy/.test(scope))).toEqual([]);
    expect(SCOPES.every((scope) => !holdsScope([], scope))).toBe(true);
    expect(['', 'Admin', 'sessions'].some(isScope)).toBe(false);
    expect(ROLES).toHaveLength(3);
  });
});
