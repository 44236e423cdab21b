import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';
import { command } from './capture.ts';

/** What a shell's script answers to `program`, which finds the script as its first argument. */
async function answer(shell: 'bash' | 'zsh' | 'fish', options: readonly string[], program: string) {
  using dir = scratch();
  const file = dir.join('completion');
  writeFileSync(file, (await command(['completion', shell])).stdout);
  const { stdout } = await must(the(shell), [...options, '-c', program, file]);
  return stdout.toString().split('\n').filter(Boolean);
}

needs('bash').describe('in bash', () => {
  test('completes commands, commands below them, and options', async () => {
    const asked = (...words: readonly string[]) =>
      answer(
        'bash',
        ['--norc'],
        `source "$0"; COMP_WORDS=(postern ${words.join(' ')} ''); COMP_CWORD=${words.length + 1}
       _postern; printf '%s\\n' "\${COMPREPLY[@]}"`,
      );
    expect(await asked()).toEqual(
      expect.arrayContaining(['serve', 'user', 'completion', '--help']),
    );
    expect(await asked('user')).toEqual(expect.arrayContaining(['ls', 'add', '--help']));
    expect(await asked('user', 'ls', 'x')).toContain('--json');
    expect(await asked('--no-such', 'session')).toContain('kill');
  });
});

needs('zsh').describe('in zsh', () => {
  test('is taken as it is', async () => {
    const asked = 'source "$0"; echo $_comps[postern]';
    expect(await answer('zsh', ['-f'], asked)).toEqual([expect.stringContaining('_postern')]);
  });
});

needs('fish').describe('in fish', () => {
  test('completes commands, commands below them, and options', async () => {
    const asked = (line: string) =>
      answer('fish', ['--no-config'], `source $argv[1]; complete -C '${line}'`);
    expect(await asked('postern user ')).toEqual(expect.arrayContaining(['add', 'ls']));
    expect(await asked('postern rec')).toEqual(['recording']);
    expect(await asked('postern session ls --j')).toEqual(['--json']);
  });
});

test('another shell is refused by name', async () => {
  const { status, stderr } = await command(['completion', 'tcsh']);
  expect(status).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
