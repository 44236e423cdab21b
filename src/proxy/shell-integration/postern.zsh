# Marks for the recordings of Postern: where a prompt begins and ends, what ran, and how it ended
# (OSC 133), and where (OSC 7). For zsh 5.1 and newer; to be sourced at the end of ~/.zshrc. It says
# nothing to scripts and to terminals without escape sequences, and may be sourced again.

# Per cent encoded, byte by byte.
__postern_encode() {
  builtin emulate -L zsh
  setopt no_multibyte
  local byte
  typeset -g __postern_encoded=
  for byte in ${(s::)1}; do
    [[ $byte == [A-Za-z0-9/._~-] ]] || builtin printf -v byte '%%%02X' $(( #byte & 255 ))
    __postern_encoded+=$byte
  done
}

__postern_precmd() {
  local ended=$?
  builtin emulate -L zsh
  if [[ -n ${__postern_ran:-} ]]; then
    typeset -g __postern_ran=
    builtin printf '\e]133;D;%s\a' $ended >&2
  fi
  local a=$'%{\e]133;A\a%}' b=$'%{\e]133;B\a%}'
  local text=${PS1:-}
  text=${text//$a/}
  text=$a${text//$b/}$b
  [[ ${PS1:-} == "$text" ]] || PS1=$text
  __postern_encode $PWD
  builtin printf '\e]7;file://%s%s\a' ${HOST:-} $__postern_encoded >&2
  return 0
}

# The line itself stands in the mark, as fish has it, unless it is very long.
__postern_preexec() {
  builtin emulate -L zsh
  typeset -g __postern_ran=1 __postern_encoded=
  (( ${#1} > 4096 )) || __postern_encode $1
  builtin printf '\e]133;C%s\a' ${__postern_encoded:+;cmdline_url=}$__postern_encoded >&2
  return 0
}

() {
  builtin emulate -L zsh
  [[ -o interactive ]] || return 0
  [[ ${TERM:-dumb} != dumb && $TERM != unknown ]] || return 0
  [[ ${(t)PS1:-} != *readonly* ]] || return 0
  builtin autoload -Uz add-zsh-hook
  add-zsh-hook precmd __postern_precmd
  add-zsh-hook preexec __postern_preexec
}
