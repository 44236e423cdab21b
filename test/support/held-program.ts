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
}

/** Runs one as `client` on `target`, through `bastion`. */
export async function holdProgram(
  bastion: Bastion,
  client: SshClient,
  target: string,
  more: readonly string[] = [],
): Promise<HeldProgram> {
  const ssh = client.spawn(target, 'echo ready; exec sleep 1000', more);
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
  return { id: session.id, ended, errors: () => said.err };
}
