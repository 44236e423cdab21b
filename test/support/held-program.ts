import type { Bastion } from './bastion.ts';
import { eventually } from './eventually.ts';
import type { SshClient } from './ssh-client.ts';

/** A program that runs until its session ends. */
export interface HeldProgram {
  /** Of its session. */
  readonly id: string;
  /** The status that `ssh` ends with. */
  readonly ended: Promise<number | null>;
  readonly errors: () => string;
  readonly input: (text: string) => void;
}

/** Runs one as `client` on `target`, through `bastion`; `last`: what it does when it is ready. */
export async function holdProgram(
  bastion: Bastion,
  client: SshClient,
  target: string,
  more: readonly string[] = [],
  last = 'exec sleep 1000',
): Promise<HeldProgram> {
  const ssh = client.spawn(target, `echo ready; ${last}`, more);
  const ended = new Promise<number | null>((resolve) => ssh.once('close', resolve));
  const said = { out: '', err: '' };
  ssh.stdout?.on('data', (chunk: Buffer) => {
    said.out += chunk.toString();
  });
  ssh.stderr?.on('data', (chunk: Buffer) => {
    said.err += chunk.toString();
  });
  await eventually('the program runs', () => said.out.includes('ready'));
  const session = await eventually('its session is active', async () => {
    const [newest] = await bastion.sessions('status=active&limit=1');
    return newest;
  });
  const input = (text: string): void => void ssh.stdin?.write(text);
  return { id: session.id, ended, errors: () => said.err, input };
}
