import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type CompletedShell = (typeof SHELLS)[number];

/** What may follow a command: `path` is `/user/add`, empty for the program itself. */
interface Place {
  readonly path: string;
  readonly commands: readonly string[];
  /** Long ones, with their dashes. */
  readonly options: readonly string[];
}

function* placesOf(command: Command, path = ''): Generator<Place> {
  const commands = command.commands.map((one) => one.name());
  const options = command.options.flatMap(({ long }) => long ?? []);
  yield { path, commands, options: [...options, '--help'] };
  for (const one of command.commands) yield* placesOf(one, `${path}/${one.name()}`);
}

/**
 * A script that completes commands and options of `program` in a shell: all of them are in it, so that
 * a key press starts no process. Names of commands and options are letters and dashes: nothing in them
 * has to be quoted.
 */
export function completionScript(shell: CompletedShell, program: Command): string {
  const places = [...placesOf(program)];
  const name = program.name();
  if (shell === 'fish') return fish(name, places);
  const script = bash(name, places);
  if (shell === 'bash') return script;
  return `autoload -Uz compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n${script}`;
}

function bash(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => path).filter((path) => path !== '');
  const words = places.map(
    ({ path, commands, options }) =>
      `    '${path}') words='${[...commands, ...options].join(' ')}' ;;`,
  );
  return `_${name}() {
  local here='' words='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$here/$word" in
      ${known.join('|')}) here="$here/$word" ;;
    esac
  done
  case "$here" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`;
}

function fish(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => path).filter((path) => path !== '');
  const lines = places.flatMap(({ path, commands, options }) => {
    const at = `complete -c ${name} -n 'test "$(__${name}_here)" = "${path}"'`;
    const flags = options.map((option) => `${at} -l ${option.slice('--'.length)}`);
    return commands.length === 0 ? flags : [`${at} -f -a '${commands.join(' ')}'`, ...flags];
  });
  return `function __${name}_here
  set -l here ''
  for word in (commandline -opc)[2..]
    if contains -- "$here/$word" ${known.join(' ')}
      set here "$here/$word"
    end
  end
  echo "$here"
end
${lines.join('\n')}
`;
}
