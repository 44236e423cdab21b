/**
 * What runs in a container so that it has files: POSIX's shell language, and the tools that both busybox
 * and GNU have. Arguments are octal, as `printf %b` reads them, since what goes to an engine has no
 * bytes; the `x` keeps newlines at a name's end. Answers are fields that end with a NUL, up to an empty one:
 * `ok` and a value, or `no` and a tool's word. Paths are absolute, so none is an option.
 */
const COMMON = `
LC_ALL=C
export LC_ALL
decode() { v=$(printf '%bx' "$1"); v=\${v%x}; }
no() { printf 'no\\0%s\\0\\0' "\${1:-failed}"; }
there() { [ -e "$1" ] || [ -L "$1" ]; }
masked() { printf '%o' "$((0$1 & ~0$(umask)))"; }
`;

const MISSING = 'No such file or directory';

/** One request a line: what to do, and two arguments. Ends with its input. */
export const REQUESTS = `${COMMON}
yes() { printf 'ok\\0%s\\0\\0' "$1"; }
try() { if m=$("$@" 2>&1 </dev/null); then yes done; else no "$m"; fi; }
missing=
for t in cat chmod dd ln mkdir mv readlink rm rmdir stat touch; do
  command -v "$t" >/dev/null || missing="$missing $t"
done
[ -z "$missing" ] || { no "$missing"; exit 1; }
v=$(pwd -P; printf x)
yes "\${v%?x}"
while read -r op a b; do
  decode "$a"; p=$v; decode "$b"; q=$v
  case $op in
    stat) if m=$(stat -L -c '%f %s %u %g %X %Y' -- "$p" 2>&1); then yes "$m"; else no "$m"; fi ;;
    lstat) if m=$(stat -c '%f %s %u %g %X %Y' -- "$p" 2>&1); then yes "$m"; else no "$m"; fi ;;
    realpath | readlink)
      flag=-n; [ "$op" = readlink ] || flag=-fn
      if v=$(readlink "$flag" -- "$p" 2>/dev/null && printf x); then yes "\${v%x}"
      elif there "$p"; then no
      else no '${MISSING}'
      fi ;;
    mkdir) try mkdir -m "$(masked "$q")" -- "$p" ;;
    rmdir) try rmdir -- "$p" ;;
    remove)
      if ! there "$p"; then no '${MISSING}'
      elif [ -d "$p" ] && [ ! -L "$p" ]; then no 'Is a directory'
      else try rm -f -- "$p"
      fi ;;
    rename) if there "$q"; then no 'File exists'; else try mv -f -- "$p" "$q"; fi ;;
    replace) if [ -d "$q" ]; then no 'Is a directory'; else try mv -f -- "$p" "$q"; fi ;;
    symlink) if there "$q"; then no 'File exists'; else try ln -s -- "$p" "$q"; fi ;;
    link) if there "$q"; then no 'File exists'; else try ln -- "$p" "$q"; fi ;;
    size) if [ -f "$p" ]; then try dd bs=1 count=0 "seek=$q" "of=$p"; else no '${MISSING}'; fi ;;
    mode) try chmod "$q" "$p" ;;
    owner) try chown "$q" "$p" ;;
    times) if there "$p"; then try touch -c -d "@$q" -- "$p"; else no '${MISSING}'; fi ;;
    kill) try kill "$p" ;;
    *) no unknown ;;
  esac
done
`;

/**
 * One file or directory, after an answer with its own number. `$1`: `read`, `list`, or how a file is
 * opened to be written: `truncate`, `keep`, `append`, `new`; `$2` its path; `$3` where in it to begin;
 * `$4` the mode if there is none yet, or nothing: then there has to be one. A file is opened before the
 * answer, and its descriptor's position is moved by a `dd` that copies nothing.
 */
export const STREAM = `${COMMON}
fail() { no "$1"; exit 1; }
begun() { printf 'ok\\0%s\\0\\0' "$$"; }
decode "$2"; p=$v
if [ "$1" = list ]; then
  there "$p" || fail '${MISSING}'
  [ -d "$p" ] || fail 'Not a directory'
  { [ -r "$p" ] && [ -x "$p" ] && cd -- "$p"; } || fail 'Permission denied'
  begun
  set --
  for f in .* *; do
    case $f in . | ..) continue ;; esac
    there "$f" || continue
    set -- "$@" "$f"
    [ $# -ge 200 ] || continue
    stat -c '/%f %s %u %g %X %Y %n' -- "$@" 2>/dev/null
    set --
  done
  [ $# -eq 0 ] || stat -c '/%f %s %u %g %X %Y %n' -- "$@" 2>/dev/null
  exit 0
fi
[ ! -d "$p" ] || fail 'Is a directory'
[ ! -p "$p" ] || fail 'It is a pipe'
if [ "$1" = read ]; then
  there "$p" || fail '${MISSING}'
  [ -r "$p" ] || fail 'Permission denied'
  exec 3<"$p" || exit 1
  [ "$3" = 0 ] || dd bs=1 count=0 "skip=$3" <&3 >/dev/null 2>&1 || exec 3</dev/null
  begun
  exec cat <&3
fi
made=
if ! there "$p"; then
  [ -n "$4" ] || fail '${MISSING}'
  made=$(masked "$4")
  umask 077
elif [ "$1" = new ]; then fail 'File exists'
elif [ ! -w "$p" ]; then fail 'Permission denied'
fi
case $1 in
  new) set -C; exec 3>"$p" || exit 1 ;;
  truncate) exec 3>"$p" || exit 1 ;;
  append) exec 3>>"$p" || exit 1 ;;
  *) exec 3<>"$p" || exit 1 ;;
esac
[ -z "$made" ] || chmod "$made" "$p"
[ "$3" = 0 ] || dd bs=1 count=0 conv=notrunc "seek=$3" >&3 2>/dev/null </dev/null || fail 'No such place'
begun
exec cat >&3
`;

/** As `printf %b` reads it; never a space or a newline. */
export function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
}
