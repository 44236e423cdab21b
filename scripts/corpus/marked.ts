import { HOME, type Scenario, type Stage } from './stage.ts';

async function basics(stage: Stage): Promise<void> {
  await stage.run('ls -la /etc/passwd', { exit: 0, cwd: HOME });
  await stage.run('false', { exit: 1, cwd: HOME });
  await stage.run('cd /etc', { exit: 0, cwd: HOME });
  await stage.run('sh -c "exit 42"', { exit: 42, cwd: '/etc' });
  await stage.run('sleep 0.4', { exit: 0 });
  await stage.type('echo abandoned');
  await stage.keys('\x03');
  await stage.keys('\r');
  await stage.run(`echo ${'long '.repeat(30)}line`, { exit: 0 });
  await stage.type('echo one three');
  await stage.type('\x1b[D'.repeat(5));
  await stage.type('two ');
  await stage.enter('echo one two three', { exit: 0 });
  await stage.run('echo 漢字 🎉', { exit: 0 });
  await stage.run('printf "no newline"', { exit: 0 });
  await stage.run('seq 100', { exit: 0 });
  await stage.finish('exit');
}

async function nested(stage: Stage): Promise<void> {
  await stage.run('echo outside', { exit: 0 });
  await stage.type("PS1='in$ ' bash --norc --noprofile");
  stage.did("PS1='in$ ' bash --norc --noprofile", { exit: 3 });
  await stage.keys('\r', /in\$ $/);
  await stage.run('echo inside', { until: /in\$ $/ });
  await stage.run('cd /tmp', { until: /in\$ $/ });
  await stage.run('exit 3');
  await stage.run('echo outside again', { exit: 0 });
  await stage.finish('exit');
}

async function programs(stage: Stage): Promise<void> {
  await stage.type('less /etc/services');
  stage.did('less /etc/services', { exit: 0 });
  await stage.keys('\r', /[\s\S]{300}/m);
  await stage.keys(' ');
  await stage.keys('q', /[$#%>] $/);
  await stage.type('python3 -q');
  stage.did('python3 -q', { exit: 0 });
  await stage.keys('\r', />>> $/);
  await stage.type('print(6 * 7)');
  await stage.keys('\r', />>> $/);
  await stage.type('\x04');
  await stage.see();
  await stage.run('read -s x', { until: /[\s\S]*/ });
  await stage.blind('h1dden-in-marks');
  await stage.see();
  await stage.run('true', { exit: 0 });
  await stage.finish('exit');
}

async function heredoc(stage: Stage): Promise<void> {
  stage.did('cat <<EOF\nline one\n  line two\nEOF', { exit: 0 });
  await stage.type('cat <<EOF');
  await stage.keys('\r', /> $/);
  await stage.type('line one');
  await stage.keys('\r', /> $/);
  await stage.type('  line two');
  await stage.keys('\r', /> $/);
  await stage.type('EOF');
  await stage.keys('\r', /[$#%] $/);
  for (const line of ['echo pasted one', 'false', 'echo pasted three']) {
    stage.did(line, { exit: line === 'false' ? 1 : 0 });
  }
  await stage.send('echo pasted one\rfalse\recho pasted three\r');
  await stage.see();
  await stage.wait(300);
  await stage.finish('exit');
}

const BASH = {
  argv: ['bash', '--norc', '--noprofile', '-i'] as const,
  env: { PS1: 'alice@web1:\\w$ ', PS2: '> ' },
};
const ZSH = {
  argv: ['zsh', '-f', '-i'] as const,
  env: { PS1: '%n@web1 %~ %# ', ZDOTDIR: HOME },
  prompt: /[%#] $/,
};
const FISH = {
  argv: ['fish', '--no-config', '-i'] as const,
  env: { SHELL: '/usr/bin/fish' },
  prompt: /[>#] $/,
};

function marked(
  name: string,
  shell: 'bash' | 'zsh' | 'fish',
  drive: (stage: Stage) => Promise<void>,
  rest: Partial<Scenario> = {},
): Scenario {
  const how = { bash: BASH, zsh: ZSH, fish: FISH }[shell];
  return {
    ...how,
    ...rest,
    name: `marks-${shell}-${name}`,
    drive: async (stage) => {
      // What `postern shell-integration` prints; scripts/make-corpus.ts puts it there.
      await stage.see();
      await stage.run(`source ~/postern.${shell}`);
      await drive(stage);
    },
  };
}

export const MARKED: readonly Scenario[] = [
  marked('basics', 'bash', basics, { cols: 60 }),
  marked('basics', 'zsh', basics),
  marked('basics', 'fish', basics),
  marked('heredoc', 'bash', heredoc),
  marked('heredoc', 'zsh', heredoc),
  marked('nested', 'bash', nested),
  marked('programs', 'bash', programs, { secrets: ['h1dden-in-marks'] }),
];
