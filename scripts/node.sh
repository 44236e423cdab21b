#!/bin/sh
# Runs its arguments with a Node that Postern supports (22.18 or newer): the one that
# `npm ci` brought into tools/node where the machine's own was too old, else the machine's own.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# Node keeps here what it has stripped of types and compiled, which is half of what a command costs (0.53 s of a
# processor, or 0.24). Where it may not write, it does without.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$root/node_modules/.cache/compiled}
export NODE_COMPILE_CACHE
# What is freed goes back to the system: where nothing is said, glibc keeps as much as was once freed in one piece
# (mallopt(3)), which was a third of the memory after a first start.
MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_-131072}
export MALLOC_TRIM_THRESHOLD_
pinned="$root/tools/node/node_modules/.bin/node"
if [ -x "$pinned" ]; then
  PATH="$(dirname -- "$pinned"):$PATH"
  export PATH
  exec "$pinned" "$@"
fi
if ! node "$root/scripts/node-version.mjs"; then exit 1; fi
exec node "$@"
