import { writeFileSync } from 'node:fs';
import { type DemoMachine, startDemoMachine } from '../../src/demo/machine.ts';
import type { Logger } from '../../src/domain/log.ts';
import { serverAlgorithms, testCiphers } from '../../src/ssh/algorithms.ts';
import { installGuards } from '../../src/ssh/library.ts';
import { scratch } from '../support/scratch.ts';
import { SshClient } from '../support/ssh-client.ts';

installGuards();
const algorithms = serverAlgorithms(await testCiphers());

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** A demo machine that keeps its keys under `dataDir`. */
export function startMachine(dataDir: string, host?: string): Promise<DemoMachine> {
  const options = { dataDir, log: silent, algorithms, shell: '/bin/bash' };
  return startDemoMachine(host === undefined ? options : { ...options, host });
}

/** OpenSSH's client with the machine's own key. */
export function clientOf(machine: DemoMachine): SshClient {
  const files = scratch();
  writeFileSync(files.join('id'), machine.privateKey, { mode: 0o600 });
  return new SshClient(files, '', () => machine);
}
