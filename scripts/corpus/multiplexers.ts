import { mkdirSync } from 'node:fs';
import { BASH, programs, SHELL } from './programs.ts';
import { HOME, type Scenario, type Stage } from './stage.ts';

/** Starts shells with the same prompt as outside; see services.ts. */
const INNER = `${HOME}/plain-bash`;

const TMUX = `tmux -f ${HOME}/tmux.conf`;
const SCREEN = `screen -c ${HOME}/screenrc`;

/** Time for a multiplexer to draw, in milliseconds. */
const DRAWN_MS = 350;

/** Keys that are the multiplexer's. */
async function press(stage: Stage, keys: string): Promise<void> {
  await stage.type(keys);
  await stage.wait(DRAWN_MS);
}

/** A command in a pane. `shown`: as its shell takes it. */
async function run(stage: Stage, text: string, shown = text, ms = DRAWN_MS): Promise<void> {
  await stage.type(text);
  await stage.wait(60);
  stage.did(shown);
  await stage.send('\r');
  await stage.wait(ms);
}

/** The multiplexer itself. */
async function open(stage: Stage, line: string): Promise<void> {
  await run(stage, line, line, 600);
}

/** Its last shell ends, or it is left. */
async function back(stage: Stage): Promise<void> {
  await stage.see(SHELL);
  await stage.wait(150);
}

async function simple(stage: Stage, line: string): Promise<void> {
  await open(stage, line);
  await run(stage, 'echo in a window');
  await run(stage, 'cd /etc');
  await run(stage, 'ls -la | head -5');
  await run(stage, 'cd ~; false');
  await run(stage, 'false');
  await run(stage, 'exit');
  await back(stage);
}

async function edited(stage: Stage): Promise<void> {
  await open(stage, TMUX);
  await run(stage, 'seq 1 300');
  await run(stage, 'clear');
  await run(stage, 'echo wrnog\x7f\x7f\x7f\x7frong to right', 'echo wrong to right');
  await run(stage, '\x1b[A', 'echo wrong to right');
  await press(stage, 'ls /et\t');
  await run(stage, 'hosts', 'ls /etc/hosts');
  await press(stage, 'ls /etc/h\t\t');
  await run(stage, 'name', 'ls /etc/hostname');
  await press(stage, 'given up\x03');
  await run(stage, `echo ${'wrapped '.repeat(14)}end`);
  await press(stage, '\r');
  await run(stage, 'python3 -q');
  await press(stage, 'print(6 * 7)\r');
  await press(stage, 'exit()\r');
  await run(stage, 'read -s -p "Token: " t; echo');
  await stage.blind('t0ken-in-tmux');
  await stage.wait(DRAWN_MS);
  await press(stage, 'echo slow\x0c');
  await run(stage, 'ly', 'echo slowly');
  await run(stage, 'exit');
  await back(stage);
}

async function windows(
  stage: Stage,
  line: string,
  again: string,
  { key, more }: { readonly key: string; readonly more: string },
): Promise<void> {
  await open(stage, line);
  await run(stage, 'echo first window');
  await press(stage, `${key}c`);
  await run(stage, 'echo second window');
  await run(stage, 'cd /');
  await press(stage, `${key}n`);
  await run(stage, 'echo first again');
  await press(stage, 'half a li');
  await press(stage, `${key}n`);
  await run(stage, 'pwd');
  await press(stage, `${key}n`);
  await run(stage, `\x15${more}`, more);
  await press(stage, 'q');
  await press(stage, `${key}d`);
  await back(stage);
  await stage.run('echo outside');
  await open(stage, again);
  await run(stage, 'echo back in');
  await run(stage, 'exit');
  await run(stage, 'exit');
  await back(stage);
}

async function panes(stage: Stage, split: string): Promise<void> {
  await open(stage, TMUX);
  await run(stage, 'echo one pane');
  await press(stage, split);
  await run(stage, 'echo the other pane');
  await run(stage, 'seq 1 40');
  await run(stage, 'echo after much');
  await press(stage, '\x02o');
  await run(stage, 'echo back in the first');
  await run(stage, 'sleep 1; echo from behind');
  await press(stage, '\x02o');
  await run(stage, 'ls /usr');
  await stage.wait(900);
  await run(stage, 'echo after that', undefined, 500);
  await run(stage, 'exit');
  await run(stage, 'cd /; pwd');
  await run(stage, 'exit');
  await back(stage);
}

async function reading(stage: Stage): Promise<void> {
  await open(stage, TMUX);
  await run(stage, 'echo to be copied');
  await run(stage, 'vim -u NONE -i NONE notes.txt');
  await press(stage, 'i$ ls -la is no command\r$ nor is this');
  await press(stage, '\x1b:q!\r');
  await run(stage, 'less /etc/services');
  await press(stage, ' /ssh\rq');
  await press(stage, '\x02[');
  await press(stage, '\x1b[A\x1b[A\x1b[A');
  await press(stage, 'q');
  await run(stage, 'echo read');
  await run(stage, 'exit');
  await back(stage);
}

async function otherShells(stage: Stage): Promise<void> {
  await open(stage, TMUX);
  await run(stage, "PS1='\\w $ ' busybox ash");
  await run(stage, 'cd /etc');
  await run(stage, 'echo in ash');
  await run(stage, 'exit');
  await run(stage, "PS1='%~ %# ' zsh -f", undefined, 700);
  await run(stage, 'cd /usr');
  await run(stage, 'echo in zsh');
  await run(stage, 'exit');
  await run(stage, 'fish --no-config', undefined, 1200);
  await run(stage, 'echo in fish', undefined, 500);
  await run(stage, 'exit');
  await run(stage, 'exit');
  await back(stage);
}

/** A server of its own, which ends with its last session. */
function ownServer(scenario: Scenario): Scenario {
  const place = `${HOME}/${scenario.name}`;
  return {
    ...scenario,
    env: { ...BASH.env, TMUX_TMPDIR: place, SCREENDIR: place },
    drive: async (stage) => {
      mkdirSync(place, { mode: 0o700 });
      await scenario.drive(stage);
    },
  };
}

const TMUX_KEYS = { key: '\x02', more: 'less /etc/services' };
const SCREEN_KEYS = { key: '\x01', more: 'less /etc/services' };

export const MULTIPLEXERS: readonly Scenario[] = [
  programs('tmux', (stage) => simple(stage, `tmux -f /dev/null new-session ${INNER}`)),
  programs('tmux-editing', edited, { secrets: ['t0ken-in-tmux'] }),
  programs('tmux-windows', (stage) => windows(stage, TMUX, 'tmux attach', TMUX_KEYS)),
  programs('tmux-below', (stage) => panes(stage, '\x02"')),
  programs('tmux-beside', (stage) => panes(stage, '\x02%')),
  programs('tmux-programs', reading),
  programs('tmux-shells', otherShells),
  programs('tmux-top', (stage) => simple(stage, `${TMUX} set -g status-position top \\; new`), {
    cols: 100,
    rows: 30,
  }),
  programs('screen', (stage) => simple(stage, `screen -c /dev/null ${INNER}`)),
  programs('screen-windows', (stage) => windows(stage, SCREEN, 'screen -r', SCREEN_KEYS)),
].map(ownServer);
