# Marks for the recordings of Postern: where a prompt begins and ends, what ran, and how it ended
# (OSC 133), and where (OSC 7). For bash 4.4 and newer; to be sourced at the end of ~/.bashrc. It says
# nothing to scripts and to terminals without escape sequences, and may be sourced again.

# As the status of what ran: the commands behind it in PROMPT_COMMAND still find it in $?.
__postern_done() {
  local ended=$?
  if [[ -n ${__postern_ran-} ]]; then
    __postern_ran=
    builtin printf '\e]133;D;%s\a' "$ended" >&2
  fi
  return "$ended"
}

# Per cent encoded, byte by byte.
__postern_encode() {
  local LC_ALL=C path=$1 byte
  local -i at code
  __postern_path=
  for ((at = 0; at < ${#path}; at++)); do
    byte=${path:at:1}
    if [[ $byte != [A-Za-z0-9/._~-] ]]; then
      builtin printf -v code %d "'$byte"
      builtin printf -v byte %%%02X "$((code & 255))"
    fi
    __postern_path+=$byte
  done
}

# Whatever was made of the prompts meanwhile: what the marks stand in is theirs.
__postern_wrap() {
  # Expanded when the prompt is shown, and to nothing in another shell that inherits it.
  local a='\[${__postern_on:+\e]133;A\a}\]' b='\[${__postern_on:+\e]133;B\a}\]'
  # Notes that something ran, without a DEBUG trap. Lines that were pasted together have no prompt
  # between them: the next one says how the one before it ended.
  local c='${__postern_ran:+\e]133;D;$?\a}${__postern_on:+\e]133;C\a}${PS0:$((__postern_ran=1)):0}'
  local prompt=${PS1-} before=${PS0-}
  prompt=${prompt//"$a"/}
  prompt=${prompt//"$b"/}
  before=${before//"$c"/}
  if shopt -q promptvars; then
    prompt=$a$prompt$b
    before+=$c
  fi
  [[ ${PS1-} == "$prompt" ]] || PS1=$prompt
  [[ ${PS0-} == "$before" ]] || PS0=$before
  if [[ ${__postern_pwd-} != "$PWD" ]]; then
    __postern_pwd=$PWD
    __postern_encode "$PWD"
  fi
  builtin printf '\e]7;file://%s%s\a' "${HOSTNAME-}" "$__postern_path" >&2
}

__postern_start() {
  [[ $- == *i* ]] || return 0
  [[ ${TERM:-dumb} != dumb && ${TERM:-dumb} != unknown ]] || return 0
  ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || return 0
  # What an administrator has made readonly stays so, and there are no marks.
  [[ -z ${PS0+set} || ${PS0@a} != *r* ]] || return 0
  [[ -z ${PS1+set} || ${PS1@a} != *r* ]] || return 0
  [[ -z ${PROMPT_COMMAND[*]+set} || ${PROMPT_COMMAND@a} != *r* ]] || return 0
  [[ ${PROMPT_COMMAND[*]-} != *__postern_done* ]] || return 0
  __postern_on=1
  # `f && :` keeps f's status, also under `set -e`; in a shell that inherits it, it is empty.
  PROMPT_COMMAND=$'${__postern_on:+__postern_done} && :\n'"${PROMPT_COMMAND-}"
  local last=${#PROMPT_COMMAND[@]}
  if ((last == 1)); then
    PROMPT_COMMAND+=$'\n${__postern_on:+__postern_wrap}'
  else
    PROMPT_COMMAND+=('${__postern_on:+__postern_wrap}')
  fi
}

__postern_start
