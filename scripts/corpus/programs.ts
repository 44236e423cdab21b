import { HOME, type Scenario, type Stage } from './stage.ts';

const PS1 = 'alice@web1:\\w$ ';
export const BASH = {
  argv: ['bash', '--norc', '--noprofile', '-i'] as const,
  env: { PS1, PS2: '> ' },
};
/** Of a machine where line editors do not switch bracketed paste on: before bash 5.1. */
const OLD = { ...BASH, env: { ...BASH.env, INPUTRC: `${HOME}/old-inputrc` } };
export const SHELL = /alice@web1:\S*\$ $/;

/** A program that has the terminal until `last` is typed. */
async function inside(
  stage: Stage,
  line: string,
  keys: readonly (readonly [string, RegExp])[],
  back: RegExp = SHELL,
): Promise<void> {
  await stage.type(line);
  await stage.wait(40);
  stage.did(line);
  const [first = ['', /[\s\S]/m] as const, ...rest] = keys;
  await stage.keys('\r', first[1]);
  await stage.keys(first[0], rest.length === 0 ? back : /[\s\S]/m);
  for (const [at, [key]] of rest.entries()) {
    await stage.keys(key, at === rest.length - 1 ? back : /[\s\S]/m);
  }
}

/** With no processes but its own, so that none of the machine's are in the corpus. */
const ALONE = { argv: ['unshare', '--fork', '--pid', '--mount-proc', ...BASH.argv] as const };

const ANY = /[\s\S]{40}/m;

export function programs(
  name: string,
  drive: (stage: Stage) => Promise<void>,
  rest: Partial<Scenario> = {},
) {
  return {
    ...BASH,
    prompt: SHELL,
    name,
    ...rest,
    drive: async (stage: Stage) => {
      await stage.see();
      await stage.run('echo before');
      await drive(stage);
      await stage.run('echo after');
      await stage.finish('exit');
    },
  };
}

async function repl(stage: Stage): Promise<void> {
  await inside(stage, 'python3 -q', [
    ['x = 6 * 7\r', />>> $/],
    ['print("ls -la", x)\r', ANY],
    ['for i in range(2):\r', ANY],
    ['    print(i)\r', ANY],
    ['\r', ANY],
    ['exit()\r', ANY],
  ]);
}

async function inner(stage: Stage, line: string, prompt: RegExp, end = 'exit'): Promise<void> {
  await stage.run(line, { until: prompt });
  await stage.run('echo inside', { until: prompt });
  await stage.run('cd /etc', { until: /[$#%>] $/ });
  await stage.run('head -1 passwd', { until: /[$#%>] $/ });
  await stage.run(end);
}

async function sql(stage: Stage): Promise<void> {
  await inside(stage, 'psql -X -h /tmp/corpus-pg -U postgres', [
    ['select 1 as one;\r', /postgres=# $/],
    ['select 2 as\r', ANY],
    ['two;\r', ANY],
    ['\\q\r', ANY],
  ]);
}

async function question(stage: Stage): Promise<void> {
  await stage.run('read -p "Continue? [y/N] " answer', { until: /\[y\/N\] $/ });
  await stage.type('y');
  await stage.keys('\r', SHELL);
  await stage.run('printf "Loading... "; sleep 0.3; echo done');
  await stage.run('for i in 1 2 3; do printf "\\r%d0%%" $i; sleep 0.1; done; echo');
  await stage.run('printf "half a line"');
  await stage.run('echo whole');
}

async function elevated(stage: Stage): Promise<void> {
  await stage.run('sudo -k -p "[sudo] password for %u: " cat /etc/shadow', { until: /: $/ });
  await stage.blind('Tr0ub4dor-and-3');
  await stage.see(/: $/);
  await stage.keys('\x03');
}

async function old(stage: Stage): Promise<void> {
  await stage.run('ls /');
  await stage.run(`echo ${'wrapped '.repeat(14)}end`);
  await stage.type('\x1b[A');
  await stage.enter(`echo ${'wrapped '.repeat(14)}end`);
  await stage.run('read -s -p "Token: " t; echo', { until: /Token: $/ });
  await stage.blind('t0ken-of-old');
  await stage.see();
  const lines = ['echo pasted one', 'echo pasted two'];
  for (const line of lines) stage.did(line);
  await stage.send(`${lines.join('\r')}\r`);
  await stage.see();
  await stage.wait(250);
}

const SSH =
  'ssh -p 22822 -i /tmp/corpus-ssh/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q root@127.0.0.1';

export const PROGRAMS: readonly Scenario[] = [
  programs('vim', (stage) =>
    inside(stage, 'vim -u NONE -i NONE notes.txt', [
      ['ils -la is no command here\r$ nor is this', ANY],
      ['\x1b:q!\r', ANY],
    ]),
  ),
  programs('less', (stage) =>
    inside(stage, 'less /etc/services', [
      [' ', ANY],
      ['/ssh\r', ANY],
      ['q', ANY],
    ]),
  ),
  programs(
    'htop',
    (stage) =>
      inside(stage, 'htop', [
        ['j', ANY],
        ['q', ANY],
      ]),
    {
      ...ALONE,
      env: { ...BASH.env, HTOPRC: '/dev/null' },
    },
  ),
  programs('top', (stage) =>
    inside(stage, 'top -d 1', [
      ['1', ANY],
      ['q', ANY],
    ]),
  ),
  programs('man', (stage) => inside(stage, 'git log -5 --help 2>/dev/null | less', [['q', /./m]])),
  programs('python', repl),
  programs('psql', sql),
  programs('ssh-in-ssh', (stage) => inner(stage, SSH, /[$#] $/)),
  programs('nested-ash', (stage) => inner(stage, "PS1='\\w $ ' busybox ash", /[$#] $/)),
  programs('nested-zsh', (stage) => inner(stage, "PS1='%~ %# ' zsh -f", /[%#] $/)),
  programs('nested-fish', (stage) => inner(stage, 'fish --no-config', /[>#] $/)),
  programs('su', (stage) => inner(stage, 'su -s /bin/sh daemon', /[$#] $/)),
  programs('questions', question),
  programs('sudo', elevated, {
    argv: ['setpriv', '--reuid=1', '--regid=1', '--clear-groups', ...BASH.argv],
    secrets: ['Tr0ub4dor-and-3'],
  }),
  programs('old-bash', old, { ...OLD, secrets: ['t0ken-of-old'] }),
];
