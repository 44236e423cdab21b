import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { plainEnvironment } from './environment.ts';
import { eventually } from './eventually.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';

/** A real ssh-agent. */
export interface TestAgent extends AsyncDisposable {
  readonly socket: string;
  add(keyFile: string): Promise<void>;
}

export async function startAgent(socket: string): Promise<TestAgent> {
  // It goes when the test run is killed.
  const args = ['--pdeathsig', 'KILL', the('ssh-agent'), '-D', '-a', socket];
  const child = spawn('setpriv', args, { env: plainEnvironment(), stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('close', resolve));
  await eventually('the agent listens', () => existsSync(socket) || null);
  return {
    socket,
    async add(keyFile) {
      await must(the('ssh-add'), ['-q', keyFile], { env: { SSH_AUTH_SOCK: socket } });
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
