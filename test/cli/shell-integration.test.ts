import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shellLine } from '../../src/proxy/shell-script.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';
import { command } from './capture.ts';
import { MarkedShell, places, runs, SHELLS, script } from './marked-shell.ts';

const failing = { bash: '(exit 3)', zsh: '(exit 3)', fish: 'sh -c "exit 3"' };
const loop = {
  bash: ['for i in 1 2', 'do echo "n=$i"', 'done'],
  zsh: ['for i in 1 2', 'do echo "n=$i"', 'done'],
  fish: ['for i in 1 2', 'echo "n=$i"', 'end'],
};

for (const shell of SHELLS) {
  needs(shell).describe(`in ${shell}`, () => {
    test('each command is marked with its status, and nothing else is', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      expect(runs(it.marks)).toEqual([]);
      await it.line('true');
      await it.line(failing[shell]);
      await it.line('');
      await it.line('no-such-program-here');
      expect(runs(it.marks)).toEqual(['C', 'D;0', 'C', 'D;3', 'C', 'D;127']);
    });

    test('a line that is given up is no command; one that is interrupted is', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      it.screen.type('echo half');
      await it.screen.shows('half');
      await it.interrupt(() => it.prompt());
      expect(runs(it.marks)).toEqual([]);
      it.screen.type('sleep 60\r');
      await it.screen.until('it runs', () => runs(it.marks).length === 1);
      await it.interrupt(() =>
        it.screen.until('it was interrupted', () => runs(it.marks).length === 2),
      );
      expect(runs(it.marks)).toEqual(['C', 'D;130']);
    });

    test('a command of several lines is one', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      it.screen.type(`${loop[shell].join('\r')}\r`);
      await it.screen.until('it ended', () => runs(it.marks).length === 2);
      await it.screen.shows(/^n=1\nn=2$/m);
      expect(runs(it.marks)).toEqual(['C', 'D;0']);
    });

    test('where the shell is stands before each prompt', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      await it.line("mkdir 'ä b%'; cd 'ä b%'");
      await it.line('cd /');
      const [home = '', there = '', root = ''] = [...new Set(places(it.marks))];
      expect(home).toMatch(/^7;file:\/\/[^/]*\/.*postern-test-/);
      expect(there).toBe(`${home}/%C3%A4%20b%25`);
      expect(root).toMatch(/^7;file:\/\/[^/]*\/$/);
    });

    test('sourced again, it sends each mark once', async () => {
      const again = await script(shell);
      await using it = await MarkedShell.start(shell, { after: again });
      await it.prompt();
      await it.line('true');
      expect(runs(it.marks)).toEqual(['C', 'D;0']);
      expect(it.screen.raw).not.toContain('133;A\x07\x1b]133;A');
      expect(it.screen.raw).not.toContain('133;B\x07\x1b]133;B');
    });

    test('as the line that a policy types, it sends each mark once too', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      await it.line(shellLine(shell).trimEnd());
      await it.line('true');
      expect(runs(it.marks)).toEqual(['C', 'D;0', 'C', 'D;0']);
      expect(it.screen.raw).not.toContain('133;A\x07\x1b]133;A');
    });

    test('a prompt that is made anew is marked too', async () => {
      await using it = await MarkedShell.start(shell);
      await it.prompt();
      await it.line(
        shell === 'fish' ? 'function fish_prompt; echo -n "new> "; end' : "PS1='new> '",
      );
      await it.line('true');
      await it.screen.shows('new> true');
      expect(it.screen.raw).toMatch(/133;A.{1,20}new> .{1,20}133;B/s);
      expect(runs(it.marks)).toEqual(['C', 'D;0', 'C', 'D;0']);
    });

    test('a dumb terminal is sent nothing', async () => {
      await using it = await MarkedShell.start(shell, { term: 'dumb' });
      await it.screen.shows('p>');
      it.screen.type('echo don""e\r');
      await it.screen.shows(/^done$/m);
      expect(it.screen.raw).not.toContain('\x1b]133');
      expect(it.screen.raw).not.toContain('\x1b]7;');
    });

    test('a script that sources it reads and writes nothing of it', async () => {
      using dir = scratch();
      writeFileSync(dir.join('marks'), await script(shell));
      const strict = shell === 'fish' ? '' : 'set -eu; ';
      const program = `${strict}source ${dir.join('marks')}; echo done`;
      const options = { env: { TERM: 'xterm-256color', HOME: dir.path } };
      const { stdout, stderr } = await must(the(shell), ['-c', program], options);
      expect([stdout.toString(), stderr]).toEqual(['done\n', '']);
    });
  });
}

needs('bash').describe('what bash had before', () => {
  test('PROMPT_COMMAND, a DEBUG trap, PS0 and $? stay as they were', async () => {
    const before = `
      PROMPT_COMMAND='echo "status=$?"'
      PS0='[before]'
      PS1='[$?] p> '
      trap 'echo "debug=$BASH_COMMAND" >> debug.txt' DEBUG`;
    await using it = await MarkedShell.start('bash', { before });
    await it.prompt();
    await it.line('(exit 7)');
    await it.screen.shows(/\[before\]status=7\n\[7\] p>$/);
    await it.line('echo "$?"');
    await it.screen.shows(/^\[before\]7$/m);
    await it.line('trap -p DEBUG; grep -c "^debug=echo ..." debug.txt');
    await it.screen.shows(`trap -- 'echo "debug=$BASH_COMMAND" >> debug.txt' DEBUG`);
  });

  test('PROMPT_COMMAND as a list stays one', async () => {
    const before = `PROMPT_COMMAND=('echo "one=$?"' 'echo "two=$?"')`;
    await using it = await MarkedShell.start('bash', { before });
    await it.prompt();
    await it.line('(exit 5)');
    await it.screen.shows(/one=5\ntwo=5\np>$/);
    expect(runs(it.marks)).toEqual(['C', 'D;5']);
  });

  test('a prompt that PROMPT_COMMAND makes each time is marked each time', async () => {
    await using it = await MarkedShell.start('bash', { before: `PROMPT_COMMAND='PS1="made> "'` });
    await it.prompt();
    await it.line('true');
    await it.line('false');
    await it.screen.shows('made> false');
    expect(runs(it.marks)).toEqual(['C', 'D;0', 'C', 'D;1']);
  });

  test('set -e and set -u do not end the shell', async () => {
    await using it = await MarkedShell.start('bash', { after: 'set -eu' });
    await it.prompt();
    await it.line('! true');
    await it.line('echo sti""ll');
    await it.screen.shows(/^still$/m);
    expect(runs(it.marks)).toEqual(['C', 'D;1', 'C', 'D;0']);
  });

  test('what an administrator made readonly stays, without a word', async () => {
    const before = `PROMPT_COMMAND='echo logged'; readonly PROMPT_COMMAND`;
    await using it = await MarkedShell.start('bash', { before });
    await it.screen.shows(/^logged\np>$/);
    expect(it.marks).toEqual([]);
  });

  test('lines that are pasted together are marked one by one', async () => {
    await using it = await MarkedShell.start('bash');
    await it.prompt();
    it.screen.type('\x1b[200~(exit 4)\n(exit 6)\x1b[201~\r');
    await it.screen.until('both ended', () => runs(it.marks).length === 4);
    expect(runs(it.marks)).toEqual(['C', 'D;4', 'C', 'D;6']);
  });

  test('another shell in it that inherits the prompt shows it without marks', async () => {
    await using it = await MarkedShell.start('bash', { after: 'export PS1 PROMPT_COMMAND' });
    await it.prompt();
    it.screen.type('bash --norc -i\r');
    await it.screen.until('it runs', () => runs(it.marks).length === 1);
    await it.screen.shows(/bash --norc -i\np>$/);
    it.screen.type('echo in""ner\r');
    await it.screen.shows(/^inner\np>$/m);
    expect(runs(it.marks)).toEqual(['C']);
    expect(it.screen.text).not.toContain('command not found');
    it.screen.type('exit\r');
    await it.screen.until('it ended', () => runs(it.marks).length === 2);
  });
});

needs('zsh').describe('what zsh had before', () => {
  test('its hooks and $? stay as they were', async () => {
    const before = `
      precmd() { print "first=$?" }
      second() { print "second=$?" }
      precmd_functions+=(second)
      preexec() { print "pre=$1" }
      PS1='[%?] p> '`;
    await using it = await MarkedShell.start('zsh', { before });
    await it.prompt();
    await it.line('(exit 7)');
    await it.screen.shows(/pre=\(exit 7\)\nfirst=7\nsecond=7\n\[7\] p>$/);
    await it.line('print "now=$?"');
    await it.screen.shows(/^now=7$/m);
  });

  test('options that change the language do not matter to it', async () => {
    const after = 'setopt err_exit no_unset ksh_arrays sh_word_split no_match 2>/dev/null';
    await using it = await MarkedShell.start('zsh', { after });
    await it.prompt();
    await it.line('! true');
    await it.line('echo sti""ll');
    await it.screen.shows(/^still$/m);
    expect(runs(it.marks)).toEqual(['C', 'D;1', 'C', 'D;0']);
  });

  test('the line stands in the mark', async () => {
    await using it = await MarkedShell.start('zsh');
    await it.prompt();
    await it.line('echo "ä;b"');
    expect(it.marks).toContain('133;C;cmdline_url=echo%20%22%C3%A4%3Bb%22');
  });
});

needs('fish').describe('what fish had before', () => {
  test('its prompt finds $status and $pipestatus, its events too', async () => {
    const before = `
      function fish_prompt; echo -n "[$status $pipestatus] p> "; end
      function mine --on-event fish_postexec; echo "mine=$status"; end`;
    await using it = await MarkedShell.start('fish', { before });
    await it.prompt();
    await it.line('sh -c "exit 2" | sh -c "exit 5"');
    await it.screen.shows(/mine=5\n\[5 2 5\] p>$/);
  });

  test('a prompt of two lines stays one', async () => {
    const before = `function fish_prompt; echo one; echo; echo -n 'two> '; end`;
    await using it = await MarkedShell.start('fish', { before });
    await it.prompt();
    await it.line('echo do""ne');
    await it.screen.shows(/one\n\ntwo> echo do""ne\ndone\none\n\ntwo>$/);
  });

  test('the line stands in the mark', async () => {
    await using it = await MarkedShell.start('fish');
    await it.prompt();
    await it.line('echo "ä;b"');
    expect(it.marks).toContain('133;C;cmdline_url=echo%20%22%C3%A4%3Bb%22');
  });
});

test('another shell is refused by name', async () => {
  const { status, stderr } = await command(['shell-integration', 'tcsh']);
  expect(status).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
