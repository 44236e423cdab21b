// Runs after `npm ci`: sees to it that there is a Node new enough to run Postern, and that ssh2's
// native crypto was built for that Node. npm runs on the machine's own Node, so on Node 20 the
// binding it built has the wrong ABI, and ssh2 falls back to JavaScript, ten times slower, without
// a word. Nothing here is fatal but a missing Node: the product says at start what it lacks.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OLDEST, supported } from './node-version.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const tools = join(root, 'tools/node');
const pinned = join(tools, 'node_modules/.bin/node');
const probe =
  "process.exit(require('ssh2/lib/protocol/crypto.js').bindingAvailable ? 0 : 1)";

/** Runs a command in `cwd`; true when it ended with status 0. */
function run(command, args, cwd, env) {
  return spawnSync(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}

/** What npm's scripts are told by their caller must not steer the npm that is called from here. */
function cleanEnv(extra) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_(prefix|local_prefix|global_prefix|nodedir)|package_|lifecycle_)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

let node = process.execPath;
let headers;
if (!supported(process.versions.node)) {
  if (!existsSync(pinned)) run('npm', ['ci', '--no-audit', '--no-fund'], tools, cleanEnv({}));
  if (!existsSync(pinned)) {
    process.stderr.write(
      `postern: Node ${process.versions.node} is too old, and none could be brought for ` +
        `${process.platform} ${process.arch}. Install Node ${OLDEST.join('.')} or newer.\n`,
    );
    process.exit(1);
  }
  node = pinned;
  headers = dirname(dirname(realpathSync(pinned)));
}

const loads = () => spawnSync(node, ['-e', probe], { cwd: root }).status === 0;
if (!loads()) {
  const env = cleanEnv({
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
  });
  run('npm', ['rebuild', 'ssh2', '--loglevel=error'], root, env);
  if (!loads()) {
    process.stderr.write(
      "postern: ssh2's native crypto could not be built, so SSH runs about ten times slower. " +
        'On Debian: apt-get install build-essential python3, then npm ci again.\n',
    );
  }
}
