#!/bin/sh
# Runs its arguments with a Node that Postern supports (22.18 or newer): the one that
# `npm ci` brought into tools/node where the machine's own was too old, else the machine's own.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
pinned="$root/tools/node/node_modules/.bin/node"
if [ -x "$pinned" ]; then
  PATH="$(dirname -- "$pinned"):$PATH"
  export PATH
  exec "$pinned" "$@"
fi
if ! node "$root/scripts/node-version.mjs"; then exit 1; fi
exec node "$@"
