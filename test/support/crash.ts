import type { Bastion } from './bastion.ts';

/** As a loss of power: none of its processes sees the others die, and ends what it has. */
export async function crash(bastion: Bastion): Promise<void> {
  const [control = 0, ...workers] = bastion.family;
  process.kill(control, 'SIGSTOP');
  for (const worker of workers) process.kill(worker, 'SIGKILL');
  await bastion.kill();
}
