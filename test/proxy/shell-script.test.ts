import { expect, test } from 'vitest';
import { MARKED_SHELLS } from '../../src/domain/shell-integration.ts';
import { shellLine } from '../../src/proxy/shell-script.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';

test.each(MARKED_SHELLS)('what is typed into %s is one line that a terminal holds', (shell) => {
  const line = shellLine(shell);
  expect(Buffer.byteLength(line)).toBeLessThan(4000);
  // The space keeps it out of histories; a tab would complete.
  expect(line).toMatch(/^ [\x20-\x7e]+\r$/);
  expect(line).not.toContain('!');
});

needs('bash', 'zsh').describe('in another shell than it is for', () => {
  test('it does nothing', async () => {
    using dir = scratch();
    for (const shell of ['bash', 'zsh'] as const) {
      for (const other of MARKED_SHELLS.filter((one) => one !== shell)) {
        const input = `${shellLine(other).replace('\r', '\n')}echo still here\n`;
        const options = { input, env: { HOME: dir.path, TERM: 'xterm-256color' } };
        const { stdout, stderr } = await must(the(shell), [], options);
        expect([stdout.toString(), stderr]).toEqual(['still here\n', '']);
      }
    }
  });
});
