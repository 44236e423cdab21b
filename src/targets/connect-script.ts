/**
 * Connects inside of a container, with what its image has, and copies between the connection and its own input
 * and output, byte for byte. `$1` is a host and `$2` a port, or `$1` the path of a socket and `$2` empty; no shell
 * ever reads them as more than words. What it says on stderr, a line each:
 *
 *   @ok        connected; output that comes before it says the same
 *   @no WHY    it is not going to be; without WHY what stands before it is the reason
 *   @end N     the other side has ended its way, after N bytes
 *   @sent      the end of input was passed on, after everything before it
 *
 * perl and python do all of it. Once the other side has ended its way they also look, each second, whether it is still
 * there for what is sent. Over TCP one that closed shows in nothing by itself: it is asked for signs of life, which its
 * kernel gives for a minute, and then refuses. Busybox's nc passes the end of input on, ends when the other side has
 * ended its way, and says nothing: that it is connected is read from the kernel's list of connections. Not used: other
 * kinds of nc and socat, which stay when the other side has gone, and bash, which cannot end one way alone.
 */
const SCRIPT = `
host=$1 port=$2 perl=$3 python=$4
has() { command -v "$1" >/dev/null 2>&1; }
if has perl && perl -MSocket=getaddrinfo -e 1 2>/dev/null; then
  exec perl -e "$perl" -- "$host" "$port"
fi
for one in python3 python; do
  if has "$one" && "$one" -c 'import socket' 2>/dev/null; then
    exec "$one" -c "$python" "$host" "$port"
  fi
done
if [ -z "$port" ]; then
  echo '@no its image has neither perl nor python, of which a socket needs one' >&2
  exit 1
fi
for nc in nc 'busybox nc'; do
  case $($nc --help 2>&1) in BusyBox*) break ;; esac
  nc=
done
if [ -z "$nc" ]; then
  echo "@no its image has none of perl, python and busybox's nc, of which a forward needs one" >&2
  exit 1
fi
exec 3<&0
hex=$(printf '%04X' "$port")
stands() {
  for fd in "/proc/$pid/fd/"*; do
    socket=$(readlink "$fd")
    case $socket in socket:*) ;; *) continue ;; esac
    socket=\${socket#*[}
    for table in /proc/net/tcp /proc/net/tcp6; do
      while read -r _ _ far state _ _ _ _ _ inode _; do
        # SYN_SENT is the only state of a socket that connects and is not connected.
        [ "$inode]" = "$socket" ] && [ "\${far#*:}" = "$hex" ] && [ "$state" != 02 ] && return 0
      done < "$table"
    done
  done 2>/dev/null
  return 1
}
case $host in
  localhost) set -- 127.0.0.1 ::1 ;;
  *) set -- "$host" ;;
esac
for address; do
  $nc -- "$address" "$port" <&3 3<&- &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if stands; then
      echo @ok >&2
      wait "$pid"
      exit 0
    fi
    sleep 0.02 2>/dev/null || sleep 1
  done
  if wait "$pid"; then
    echo @ok >&2
    exit 0
  fi
done
echo @no >&2
exit 1
`;

/** One process each way, so that neither waits for the other's reader. */
const PERL = `
use strict;
use Socket qw(:DEFAULT getaddrinfo IPPROTO_TCP TCP_NODELAY TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT);
my ($host, $port) = @ARGV;
my ($socket, $why);
sub word { syswrite STDERR, "$_[0]\\n" }
$SIG{PIPE} = 'IGNORE';
sub dial {
  my ($family, $to) = @_;
  my $at;
  return $at if socket($at, $family, SOCK_STREAM, 0) && connect($at, $to);
  $why = "$!";
  return undef;
}
if ($port eq '') {
  my $to = eval { pack_sockaddr_un($host) };
  $socket = dial(PF_UNIX, $to) if $to;
} else {
  my ($error, @all) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
  $why = "$error";
  for (@all) { $socket = dial($_->{family}, $_->{addr}) and last }
  setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $socket;
}
unless ($socket) { word("\\@no $why"); exit 1 }
word('@ok');
sub copy {
  my ($from, $to) = @_;
  my $sum = 0;
  while (1) {
    my $length = sysread($from, my $bytes, 65536);
    return -1 unless defined $length;
    return $sum unless $length;
    $sum += $length;
    my $at = 0;
    while ($at < $length) {
      my $written = syswrite($to, $bytes, $length - $at, $at);
      return -1 unless defined $written;
      $at += $written;
    }
  }
}
pipe(my $over, my $sending) or exit 1;
my $child = fork;
unless (defined $child) { exit 1 }
if ($child == 0) {
  word('@sent') if copy(\\*STDIN, $socket) >= 0 && shutdown($socket, 1);
  exit 0;
}
close $sending;
my $sum = copy($socket, \\*STDOUT);
if ($sum >= 0) {
  word("\\@end $sum");
  setsockopt($socket, IPPROTO_TCP, $_->[0], $_->[1])
    for [TCP_KEEPIDLE, 10], [TCP_KEEPINTVL, 10], [TCP_KEEPCNT, 3];
  setsockopt($socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  vec(my $wanted = '', fileno $over, 1) = 1;
  until (select(my $found = $wanted, undef, undef, 1)) { last unless defined send($socket, '', 0) }
}
kill 'KILL', $child;
waitpid $child, 0;
`;

/** The same, for 2.7 and 3. */
const PYTHON = `
import os, select, socket, sys
host, port = sys.argv[1:3]
def word(text): os.write(2, (text + "\\n").encode("utf-8", "replace"))
try:
    if port:
        link = socket.create_connection((host, int(port)))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        link = socket.socket(socket.AF_UNIX)
        link.connect(host)
except Exception as error:
    word("@no %s" % (getattr(error, "strerror", None) or error))
    sys.exit(1)
word("@ok")
def copy(source, sink):
    total = 0
    while True:
        data = os.read(source, 65536)
        if not data:
            return total
        total += len(data)
        while data:
            data = data[os.write(sink, data):]
over, sending = os.pipe()
child = os.fork()
if child == 0:
    try:
        copy(0, link.fileno())
        link.shutdown(socket.SHUT_WR)
        word("@sent")
    except Exception:
        pass
    os._exit(0)
os.close(sending)
try:
    word("@end %d" % copy(link.fileno(), 1))
    if port:
        for name, value in (("IDLE", 10), ("INTVL", 10), ("CNT", 3)):
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_KEEP" + name), value)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    while not select.select([over], [], [], 1)[0]:
        link.send(b"")
except Exception:
    pass
os.kill(child, 9)
os.waitpid(child, 0)
`;

/** The program and its arguments, for a shell that understands POSIX's language. */
export function connectCommand(shell: string, host: string, port: string): readonly string[] {
  return [shell, '-c', SCRIPT, 'forward', host, port, PERL, PYTHON];
}
