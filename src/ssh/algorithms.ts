import type { Algorithms } from 'ssh2';

/** Which ciphers really work in this process: the library's own list is not to be trusted. */
export interface WorkingAlgorithms {
  readonly ciphers: readonly string[];
  readonly failed: readonly string[];
}

export function testCiphers(): Promise<WorkingAlgorithms> {
  throw new Error('not written yet');
}

export function serverAlgorithms(_working: WorkingAlgorithms): Algorithms {
  throw new Error('not written yet');
}

export function clientAlgorithms(_working: WorkingAlgorithms): Algorithms {
  throw new Error('not written yet');
}
