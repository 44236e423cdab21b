import { type Logger, reasonOf } from '../domain/log.ts';
import type { RunningContainer } from '../domain/running-container.ts';

/** The signals of RFC 4254 §6.10. */
const SIGNALS = new Set('ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2'.split(' '));

/** Signals that wait for their turn. */
const MOST_WAITING = 16;

/** How long the end of a program is waited for, in milliseconds. */
const HANG_UP_MS = 5000;

/**
 * No engine can signal a program that it has begun. What it can is to begin another one, in the same
 * container, by the same user, and that one finds the first by a mark among its variables: the oldest
 * with the mark that leads a session of its own. Needs nothing but a shell (POSIX, `kill` built in).
 *
 * `$1` is the mark. With `$2` its process group gets that signal. Without, everything in its session
 * is told to hang up; after three seconds what is left of its group, and of the one that has the
 * terminal, is killed, also when the program itself has ended. Others that have made themselves
 * independent (nohup, tmux) go on, as they do with sshd. A line is written once the first signals are
 * out. Busybox's `kill` takes no `--` without a complaint, and a failure: what is asked goes without.
 */
const SCRIPT = `
mark=$1 signal=$2 leader= oldest=
exec 2>/dev/null
marked() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in *"$mark"*) return 0 ;; esac
  done < "$1/environ"
  return 1
}
stat() {
  IFS= read -r line < "$1/stat" || return 1
  set -- \${line##*) }
  group=$3 session=$4 front=$6
  shift 19
  start=$1
}
find_leader() {
  for process in /proc/[0-9]*; do
    pid=\${process#/proc/}
    stat "$process" || continue
    [ "$pid" = "$session" ] || continue
    marked "$process" || continue
    if [ -z "$leader" ] || [ "$start" -lt "$oldest" ]; then leader=$pid oldest=$start; fi
  done
  [ -n "$leader" ]
}
find_leader || { sleep 1; find_leader; } || { echo none; exit 0; }
if [ -n "$signal" ]; then
  kill -s "$signal" -- "-$leader"
  echo done
  exit 0
fi
stat "/proc/$leader" && foreground=$front
for process in /proc/[0-9]*; do
  stat "$process" && [ "$session" = "$leader" ] || continue
  kill -s HUP "\${process#/proc/}"
  kill -s CONT "\${process#/proc/}"
done
echo done
left() {
  kill -0 "-$leader" && return 0
  [ "\${foreground:--1}" -gt 1 ] && kill -0 "-$foreground"
}
for wait in 1 2 3; do
  left || exit 0
  sleep 1
done
kill -s KILL -- "-$leader"
[ "\${foreground:--1}" -gt 1 ] && kill -s KILL -- "-$foreground"
`;

/** Signals to one program in a container. */
export class ContainerSignals {
  readonly #container: RunningContainer;
  readonly #mark: string;
  readonly #shell: string;
  readonly #log: Logger;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(about: {
    readonly container: RunningContainer;
    /** What stands among the program's variables and nowhere else. */
    readonly mark: string;
    readonly shell: string;
    readonly log: Logger;
  }) {
    this.#container = about.container;
    this.#mark = about.mark;
    this.#shell = about.shell;
    this.#log = about.log;
  }

  /** A name without `SIG`; others than SSH knows, and too many at once, are dropped. In their order. */
  send(name: string): void {
    if (!SIGNALS.has(name) || this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      await this.#run(name);
      this.#waiting -= 1;
    });
  }

  /** Ends the program. Settles when it was told to, or cannot be; never rejects. */
  hangUp(): Promise<void> {
    return this.#run('');
  }

  async #run(signal: string): Promise<void> {
    try {
      const command = [this.#shell, '-c', SCRIPT, 'signal', this.#mark, signal];
      const exec = await this.#container.exec({ command, env: [], terminal: null });
      exec.stderr.resume();
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        exec.stdout.once('data', resolve);
        exec.stdout.once('end', resolve);
        timer = setTimeout(resolve, HANG_UP_MS);
      });
      clearTimeout(timer);
      // What is left to do it does without us.
      exec.close();
    } catch (error) {
      this.#log.debug('a signal did not reach its container', { reason: reasonOf(error) });
    }
  }
}
