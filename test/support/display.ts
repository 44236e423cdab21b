import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { plainEnvironment } from './environment.ts';
import { within } from './eventually.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';

/** A real X server without a screen to look at, which wants its cookie. */
export interface TestDisplay extends AsyncDisposable {
  /** DISPLAY and XAUTHORITY. */
  readonly env: Readonly<Record<string, string>>;
  readonly cookie: string;
}

/** `file`: where its cookie is kept. */
export async function startDisplay(file: string): Promise<TestDisplay> {
  const cookie = randomBytes(16).toString('hex');
  // The name is not known yet; the server takes any of its own.
  const entry = (display: string): Promise<unknown> =>
    must(the('xauth'), ['-q', '-f', file, 'add', display, 'MIT-MAGIC-COOKIE-1', cookie]);
  await entry(':0');
  const args = ['--pdeathsig', 'KILL', the('Xvfb'), '-displayfd', '3', '-auth', file];
  const child = spawn('setpriv', [...args, '-nolisten', 'tcp', '-screen', '0', '640x480x24'], {
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const said = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the X server ended')));
    child.stdio[3]?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  const name = `:${await within('a display', said, 15_000)}`;
  await entry(name);
  return {
    env: { DISPLAY: name, XAUTHORITY: file },
    cookie,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
