import { expect } from 'vitest';
import type { Upstream } from '../../src/domain/upstream.ts';
import { within } from '../support/eventually.ts';

/** That the subsystem `sftp` speaks version 3, and ends with its input. */
export async function answersSftp(upstream: Upstream): Promise<void> {
  const program = { type: 'subsystem', name: 'sftp' } as const;
  const channel = await upstream.open({ program, pty: null, env: [] });
  channel.stderr.resume();
  const first = new Promise<Buffer>((resolve) => channel.stdout.once('data', resolve));
  // SSH_FXP_INIT, version 3 (draft-ietf-secsh-filexfer-02 §4).
  channel.stdin.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]));
  const answer = await within('its version', first);
  expect([answer[4], answer.readUInt32BE(5)]).toEqual([2, 3]);
  channel.stdin.end();
  channel.stdout.resume();
  await within('the exit', channel.exited);
}
