import { setTimeout as wait } from 'node:timers/promises';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RunningContainer } from '../domain/running-container.ts';

/** The signals of RFC 4254 §6.10. */
const SIGNALS = new Set('ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2'.split(' '));

/** Signals that wait for their turn. */
const MOST_WAITING = 16;

/** How long the end of a program is waited for, in milliseconds. */
const HANG_UP_MS = 5000;

/** Before a program is told again to end whose engine was away, in milliseconds: at first, at most. */
const AGAIN_MS = { first: 1000, most: 30_000 } as const;

/** There is no such container any more, or it has no shell. */
const HOPELESS: readonly string[] = [
  'engine.no_container',
  'engine.not_started',
  'cluster.no_pod',
  'cluster.not_started',
  'cluster.setting',
  'machine.refused',
];

/**
 * No engine can signal a program that it has begun. What it can is to begin another one, in the same
 * container, by the same user, and that one finds the first by a mark among its variables: the oldest
 * with the mark that leads a session of its own, and that no other program has left to the container's first
 * one. Needs nothing but a shell (POSIX, `kill` built in).
 *
 * `$1` is the mark. With `$2` its process group gets that signal. Without, everything in its session
 * is told to hang up; after three seconds what is left of its group, and of the one that has the
 * terminal, is killed, also when the program itself has ended. Others that have made themselves
 * independent (nohup, tmux) go on, as they do with sshd. With `$3` the mark is what the marks of several
 * begin with, eight characters each behind it, and all of them are ended. A line is written once the
 * first signals are out. A process may have any name, also one with lines and brackets. Busybox's `kill` takes no `--` without a complaint, and a failure: what is asked
 * goes without.
 */
const SCRIPT = `
mark=$1 signal=$2 all=$3 ended= groups=
exec 2>/dev/null
marked() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *"$mark"*)
      rest=\${line#*"$mark"}
      number=\${rest%"\${rest#????????}"}
      return 0 ;;
    esac
  done < "$1/environ"
  return 1
}
stat() {
  text=
  while IFS= read -r line; do text=$text$line; done < "$1/stat" || return 1
  set -- \${text##*) }
  [ $# -ge 20 ] || return 1
  parent=$2 group=$3 session=$4 front=$6
  shift 19
  start=$1
}
find_leader() {
  leader= oldest=
  for process in /proc/[0-9]*; do
    pid=\${process#/proc/}
    stat "$process" || continue
    [ "$pid" = "$session" ] && [ "$parent" != 1 ] || continue
    marked "$process" || continue
    case $ended in *" $number "*) continue ;; esac
    if [ -z "$leader" ] || [ "$start" -lt "$oldest" ]; then leader=$pid oldest=$start its=$number; fi
  done
  [ -n "$leader" ]
}
find_leader || { sleep 1; find_leader; } || { echo none; exit 0; }
if [ -n "$signal" ]; then
  kill -s "$signal" -- "-$leader"
  echo done
  exit 0
fi
hang_up() {
  foreground=
  stat "/proc/$leader" && foreground=$front
  for process in /proc/[0-9]*; do
    stat "$process" && [ "$session" = "$leader" ] || continue
    kill -s HUP "\${process#/proc/}"
    kill -s CONT "\${process#/proc/}"
  done
  groups="$groups $leader"
  [ "\${foreground:--1}" -gt 1 ] && groups="$groups $foreground"
  ended="$ended $its "
}
hang_up
if [ -n "$all" ]; then
  while find_leader; do hang_up; done
fi
echo done
left() {
  for group in $groups; do kill -0 "-$group" && return 0; done
  return 1
}
for wait in 1 2 3; do
  left || exit 0
  sleep 1
done
for group in $groups; do kill -s KILL -- "-$group"; done
`;

/**
 * Runs the script with these arguments and answers its first word, empty when it has none to say. Rejects
 * as `exec` does, and when the container is lost before the script has said anything.
 */
export async function runSignals(
  container: RunningContainer,
  shell: string,
  args: readonly string[],
): Promise<string> {
  const command = [shell, '-c', SCRIPT, 'signal', ...args];
  const exec = await container.exec({ command, env: [], terminal: null });
  try {
    exec.stderr.resume();
    let timer: NodeJS.Timeout | undefined;
    const said = new Promise<string | null>((resolve) => {
      exec.stdout.once('data', (word: Buffer) => resolve(word.toString()));
      exec.stdout.once('end', () => resolve(''));
      timer = setTimeout(() => resolve(null), HANG_UP_MS);
    });
    const word = await said;
    clearTimeout(timer);
    // The streams of an engine that is lost end too.
    if (word !== null && (word !== '' || (await exec.exited) !== null)) return word;
    throw new Error(`${container.name} was lost while a program was told to end`);
  } finally {
    // What is left to do it does without us.
    exec.close();
  }
}

interface SignalsAbout {
  readonly container: RunningContainer;
  /** What stands among the program's variables and nowhere else. */
  readonly mark: string;
  /** A shell of the container. May reject. */
  readonly shell: () => Promise<string>;
  readonly log: Logger;
}

/** Signals to one program in a container. */
export class ContainerSignals {
  readonly #about: SignalsAbout;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(about: SignalsAbout) {
    this.#about = about;
  }

  /** A name without `SIG`; others than SSH knows, and too many at once, are dropped. In their order. */
  send(name: string): void {
    if (!SIGNALS.has(name) || this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      await this.#run(name).catch((error: unknown) => this.#missed(error));
      this.#waiting -= 1;
    });
  }

  /**
   * Ends the program. Settles when it was told to, or cannot be (true); an engine that is away is told again
   * until `over`, and then no more (false), and so is a container that takes no programs: it may be paused.
   * Never rejects.
   */
  async hangUp(over: AbortSignal): Promise<boolean> {
    let pause: number = AGAIN_MS.first;
    for (;;) {
      try {
        await this.#run('');
        return true;
      } catch (error) {
        this.#missed(error);
        if (error instanceof PosternError && HOPELESS.includes(error.code)) return true;
        if (error instanceof PosternError && error.code === 'engine.not_running') return false;
      }
      await wait(pause, undefined, { signal: over, ref: false }).catch(() => undefined);
      if (over.aborted) return false;
      pause = Math.min(pause * 2, AGAIN_MS.most);
    }
  }

  #missed(error: unknown): void {
    this.#about.log.debug('a signal did not reach its container', { reason: reasonOf(error) });
  }

  async #run(signal: string): Promise<void> {
    const { container, mark, shell } = this.#about;
    await runSignals(container, await shell(), [mark, signal]);
  }
}
