import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainEnvironment } from '../support/environment.ts';
import { eventually, within } from '../support/eventually.ts';
import { descendants, running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { Screen } from '../support/screen.ts';

const POSTERN = resolve(import.meta.dirname, '../../bin/postern');

/** A `postern serve --demo` in a directory of its own, as a person starts it. */
class Demo {
  readonly #child: ChildProcess;
  output = '';

  constructor(directory: string) {
    this.#child = spawn(POSTERN, ['serve', '--demo'], {
      cwd: directory,
      env: plainEnvironment({
        POSTERN_SSH_LISTEN: '127.0.0.1:0',
        POSTERN_HTTP_LISTEN: '127.0.0.1:0',
        POSTERN_READY_FILE: `${directory}/ready.json`,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.#child.stdout?.on('data', take);
    this.#child.stderr?.on('data', take);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The part of what was printed that matches. */
  async printed(pattern: RegExp): Promise<string> {
    const match = await eventually(
      `it prints ${pattern}`,
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it ended: ${this.output}`);
        return pattern.exec(this.output);
      },
      60_000,
    );
    return match[1] ?? match[0];
  }

  /** As Ctrl-C does; the exit status. */
  async interrupt(): Promise<number | null> {
    const gone = new Promise<void>((done) => this.#child.once('exit', () => done()));
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGINT');
      await within('the demo ends', gone, 20_000);
    }
    return this.#child.exitCode;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

const SSH_LINE = /^\s+(ssh -F .+)$/m;
const CONSOLE = /(http:\/\/127\.0\.0\.1:\d+\/\S+)/;

needs('ssh').describe('the demo', () => {
  let files: Scratch;
  let demo: Demo;
  beforeAll(() => {
    files = scratch();
    demo = new Demo(files.path);
  });
  afterAll(() => {
    demo.end();
    files[Symbol.dispose]();
  });

  /** The API with the token of the data directory; sessions of any status. */
  async function sessions(): Promise<{ id: string; status: string; end_reason: string }[]> {
    const ready = JSON.parse(readFileSync(files.join('ready.json'), 'utf8')) as {
      http: { url: string };
      admin_token_file: string;
    };
    const token = readFileSync(ready.admin_token_file, 'utf8').trim();
    const url = new URL('/v1/sessions?status=all', ready.http.url);
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const body = (await response.json()) as { data: { sessions: never[] } };
    return body.data.sessions;
  }

  test('prints an ssh line that gives a real shell as it is printed', async () => {
    const line = await demo.printed(SSH_LINE);
    await using screen = new Screen('/bin/sh', ['-c', line], { cwd: files.path });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type('stty size; echo "shell $((6 * 7))"\r');
    await screen.shows('24 80');
    await screen.shows('shell 42');
    expect(await sessions()).toEqual([expect.objectContaining({ status: 'active' })]);
    screen.type('exit 7\r');
    expect(await screen.exited()).toBe(7);
    await eventually(
      'the session has ended',
      async () => (await sessions())[0]?.status === 'stopped',
    );
  });

  test('prints a link whose button signs in to the console, once', async () => {
    const link = await demo.printed(CONSOLE);
    const { origin } = new URL(link);
    const looked = await fetch(link, { redirect: 'manual' });
    expect(looked.status).toBe(200);
    expect(looked.headers.get('set-cookie')).toBeNull();
    const press = (): Promise<Response> =>
      fetch(link, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin, 'sec-fetch-site': 'same-origin' },
      });
    const pressed = await press();
    const cookie = pressed.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/i);
    expect(cookie).toMatch(/SameSite=/i);
    const page = await fetch(`${origin}/`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('@demo');
    const again = await press();
    expect(again.status).toBeGreaterThanOrEqual(400);
    expect(again.headers.get('set-cookie')).toBeNull();
  });

  test('ends at Ctrl-C and leaves no process, and finds its data at the second start', async () => {
    const line = await demo.printed(SSH_LINE);
    await using screen = new Screen('/bin/sh', ['-c', line], { cwd: files.path });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type('sleep 1000 & echo "job:$!:"\r');
    await screen.shows(/job:\d+:/);
    const family = [demo.pid, ...descendants(demo.pid)];
    expect(family.length).toBeGreaterThan(2);
    expect(await demo.interrupt()).toBe(0);
    expect(await screen.exited()).toBe(255);
    await eventually('nothing of it runs', () => !family.some(running));
    expect(existsSync(files.join('ready.json'))).toBe(false);
    demo = new Demo(files.path);
    expect(await demo.printed(SSH_LINE)).toBe(line);
    await demo.printed(CONSOLE);
    expect(await sessions()).toEqual([
      expect.objectContaining({ status: 'stopped', end_reason: 'drained' }),
      expect.objectContaining({ status: 'stopped', end_reason: 'client_closed' }),
    ]);
    const done = await run('/bin/sh', ['-c', `${line} 'exit 9'`], { cwd: files.path });
    expect(done.status).toBe(9);
    expect(await demo.interrupt()).toBe(0);
  });
});

test.each([
  ['DATABASE_URL', 'postgres://127.0.0.1/real'],
  ['REDIS_URL', 'redis://127.0.0.1'],
  ['POSTERN_SSH_LISTEN', '0.0.0.0:0'],
  ['NODE_ENV', 'production'],
])('--demo together with %s=%s is refused with status 2', async (name, value) => {
  using files = scratch();
  const done = await run(POSTERN, ['serve', '--demo'], {
    cwd: files.path,
    env: { [name]: value },
  });
  expect(done.status).toBe(2);
  expect(done.stderr).toContain(name);
});
