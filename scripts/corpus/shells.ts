import { HOME, type Scenario, type Stage } from './stage.ts';

/** A prompt as Debian's, whoever runs it. */
const PS1 = 'alice@web1:\\w$ ';
export const BASH = ['bash', '--norc', '--noprofile', '-i'] as const;
export const PLAIN = { PS1, PS2: '> ' };

async function basics(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('ls -la');
  await stage.run('cd /etc');
  await stage.run('head -3 passwd');
  await stage.run('false');
  await stage.run('echo done; true');
  await stage.run('grep -c root /etc/passwd');
  await stage.finish('exit');
}

async function editing(stage: Stage): Promise<void> {
  await stage.see();
  await stage.type('ecoh hello');
  await stage.type('\x7f'.repeat(10));
  await stage.run('echo hello');
  await stage.type('echo one three');
  await stage.type('\x1b[D'.repeat(5));
  await stage.type('two ');
  await stage.enter('echo one two three');
  await stage.type('rubbish rubbish\x15');
  await stage.run('echo kept');
  await stage.run('echo last');
  await stage.type('\x1b[A');
  await stage.wait(60);
  await stage.type('\x1b[A');
  await stage.wait(60);
  await stage.enter('echo kept');
  await stage.finish('exit');
}

async function search(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo first needle');
  await stage.run('echo second');
  await stage.run('echo third');
  await stage.type('\x12need');
  await stage.wait(80);
  await stage.enter('echo first needle');
  await stage.finish('exit');
}

async function wraps(stage: Stage): Promise<void> {
  await stage.see();
  const long = `echo ${'abcdefghij'.repeat(9)} end`;
  await stage.run(long);
  await stage.run(`echo ${'word '.repeat(30)}fin`);
  await stage.run('echo short');
  await stage.type('\x1b[A\x1b[A');
  await stage.enter(`echo ${'word '.repeat(30)}fin`);
  await stage.finish('exit');
}

async function heredoc(stage: Stage): Promise<void> {
  await stage.see();
  await stage.type('cat <<EOF');
  await stage.wait(60);
  stage.did('cat <<EOF\nline one\nline two\nEOF');
  await stage.keys('\r', /> $/);
  await stage.type('line one');
  await stage.keys('\r', /> $/);
  await stage.type('line two');
  await stage.keys('\r', /> $/);
  await stage.type('EOF');
  await stage.keys('\r', /[$#%] $/);
  await stage.run('echo after');
  await stage.type('for i in 1 2; do');
  stage.did('for i in 1 2; do\necho $i\ndone');
  await stage.keys('\r', /> $/);
  await stage.type('echo $i');
  await stage.keys('\r', /> $/);
  await stage.type('done');
  await stage.keys('\r', /[$#%] $/);
  await stage.finish('exit');
}

async function paste(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo before');
  const lines = ['echo pasted one', 'echo pasted two', 'pwd'];
  for (const line of lines) stage.did(line);
  await stage.send(`${lines.join('\r')}\r`);
  await stage.see();
  await stage.wait(300);
  await stage.run('echo after');
  await stage.finish('exit');
}

async function ahead(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo ready');
  await stage.type('sleep 1');
  stage.did('sleep 1');
  await stage.send('\r');
  await stage.wait(200);
  stage.did('echo typed ahead');
  await stage.type('echo typed ahead');
  await stage.send('\r');
  await stage.wait(1200);
  await stage.see();
  await stage.run('echo later');
  await stage.finish('exit');
}

async function password(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo before');
  await stage.run('read -s -p "Password: " pw; echo; echo got it', { until: /Password: $/ });
  await stage.blind('s3cr3tPassw0rd');
  await stage.see();
  await stage.run('read -r -p "Your name? " who', { until: /name\? $/ });
  await stage.type('Alice Liddell');
  await stage.keys('\r', /\$ $/);
  await stage.run('echo after');
  await stage.finish('exit');
}

async function unicode(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo 漢字かな交じり文');
  await stage.run('echo "émoji 🎉 ok"');
  await stage.run(`echo ${'漢字'.repeat(22)}`);
  await stage.run("printf '%s\\n' Привет мир");
  await stage.finish('exit');
}

async function interrupts(stage: Stage): Promise<void> {
  await stage.see();
  await stage.type('rm -rf /not/this');
  await stage.keys('\x03', /\$ $/);
  await stage.run('echo one');
  await stage.keys('\r', /\$ $/);
  await stage.type('sleep 30');
  stage.did('sleep 30');
  await stage.send('\r');
  await stage.wait(300);
  await stage.keys('\x03', /\$ $/);
  await stage.run('echo two');
  await stage.finish('exit');
}

async function background(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('(sleep 0.6; echo from behind) &');
  await stage.run('echo meanwhile');
  await stage.wait(900);
  await stage.run('echo after');
  await stage.finish('exit');
}

/** Of fish, which shows what there is below its line. */
async function pager(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo before');
  await stage.type('ls /etc/host');
  await stage.type('\t');
  await stage.wait(300);
  await stage.type('name');
  await stage.wait(100);
  await stage.enter('ls /etc/hostname');
  await stage.finish('exit');
}

async function tabs(stage: Stage): Promise<void> {
  await stage.see();
  await stage.type('ls /etc/pass');
  await stage.type('\t');
  await stage.wait(150);
  await stage.enter('ls /etc/passwd', { text: 'ls /etc/passwd' });
  await stage.type('ls /etc/host');
  await stage.type('\t\t');
  await stage.wait(250);
  await stage.type('name');
  await stage.wait(50);
  await stage.enter('ls /etc/hostname');
  await stage.finish('exit');
}

async function resized(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo wide');
  await stage.resize(60, 20);
  await stage.run(`echo ${'narrow '.repeat(12)}end`);
  await stage.type('echo half of it');
  await stage.resize(100, 30);
  await stage.type(' and the rest');
  await stage.enter('echo half of it and the rest');
  await stage.finish('exit');
}

async function prompts(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('echo first');
  await stage.run("PS1='[\\W] ready> '", { until: /ready> $/ });
  await stage.run('echo second', { until: /ready> $/ });
  await stage.run('cd /etc', { until: /\[etc\] ready> $/ });
  await stage.run("PS1='\\[\\e[32m\\]\\u\\[\\e[0m\\] in \\w\\n\\$ '", { until: /[$#] $/ });
  await stage.run('echo third', { until: /[$#] $/ });
  await stage.run('cd /', { until: /[$#] $/ });
  await stage.run('echo fourth', { until: /[$#] $/ });
  await stage.finish('exit');
}

async function cleared(stage: Stage): Promise<void> {
  await stage.see();
  await stage.run('seq 60');
  await stage.run('clear');
  await stage.run('echo on a clean screen');
  await stage.type('echo over');
  await stage.type('\x0c');
  await stage.wait(120);
  await stage.type(' it');
  await stage.enter('echo over it');
  await stage.run('seq 1 5 | tail -1');
  await stage.finish('exit');
}

const DRIVES = {
  ...{ basics, editing, search, wraps, heredoc, paste, ahead, password, unicode },
  ...{ interrupts, background, tabs, pager, resized, prompts, cleared },
};

function scenario(
  shell: string,
  what: keyof typeof DRIVES,
  rest: Omit<Scenario, 'name' | 'drive'>,
) {
  const secrets = what === 'password' ? { secrets: ['s3cr3tPassw0rd'] } : {};
  return { name: `${shell}-${what}`, drive: DRIVES[what], ...secrets, ...rest };
}

const ZSH_ENV = { PS1: '%n@web1 %~ %# ', ZDOTDIR: HOME };
const ALL = (Object.keys(DRIVES) as (keyof typeof DRIVES)[]).filter((what) => what !== 'pager');
const FISH: readonly (keyof typeof DRIVES)[] = ['basics', 'editing', 'wraps', 'unicode', 'pager'];
const ZSH: readonly (keyof typeof DRIVES)[] = [
  ...(['basics', 'editing', 'search', 'wraps', 'paste', 'unicode', 'background'] as const),
];
const ASH: readonly (keyof typeof DRIVES)[] = [
  ...(['basics', 'editing', 'wraps', 'heredoc', 'paste', 'interrupts', 'cleared'] as const),
];

export const SHELLS: readonly Scenario[] = [
  ...ALL.map((what) =>
    scenario('bash', what, {
      argv: BASH,
      env: PLAIN,
      ...(what === 'wraps' ? { cols: 40, rows: 12 } : {}),
    }),
  ),
  ...ZSH.map((what) =>
    scenario('zsh', what, { argv: ['zsh', '-f', '-i'], env: ZSH_ENV, prompt: /[%#] $/ }),
  ),
  ...FISH.map((what) =>
    scenario('fish', what, {
      argv: ['fish', '--no-config', '-i'],
      env: { SHELL: '/usr/bin/fish' },
      prompt: /[>#] $/,
    }),
  ),
  ...ASH.map((what) =>
    scenario('ash', what, {
      argv: ['busybox', 'ash', '-i'],
      env: { PS1: '\\w $ ', PS2: '> ' },
      ...(what === 'wraps' ? { cols: 50 } : {}),
    }),
  ),
  scenario('dash', 'basics', { argv: ['dash', '-i'], env: { PS1: '$ ' } }),
];
