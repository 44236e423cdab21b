// Runs after `npm ci`: sees to it that there is a Node new enough to run Postern, and builds ssh2's
// native crypto for that Node, and safely. npm runs on the machine's own Node, so on Node 20 the
// binding that npm would build has the wrong ABI, and ssh2 falls back to JavaScript, ten times
// slower, without a word; with the headers of newer Nodes it ends the process in a garbage collection
// (native/object-wrap.h). Nothing here is fatal but a missing Node: the product says what it lacks.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OLDEST, supported } from './node-version.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const tools = join(root, 'tools/node');
const pinned = join(tools, 'node_modules/.bin/node');
const ssh2 = join(root, 'node_modules/ssh2');
const build = join(ssh2, 'lib/protocol/crypto/build');
const binding = join(build, 'Release/sshcrypto.node');
// Says which binding was built here; src/ssh/native-crypto.ts reads it.
const mark = join(build, 'postern.sha256');

/** What npm tells its scripts must not steer the npm or node-gyp that is called from here. */
function cleanEnv(extra) {
  const steering = /^npm_(config_(prefix|local_prefix|global_prefix|nodedir)|package_|lifecycle_)/i;
  const kept = Object.entries(process.env).filter(([name]) => !steering.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** The Node to run on, and where its headers are if not where node-gyp finds them itself. */
function chooseNode() {
  if (supported(process.versions.node)) return withHeaders(process.execPath);
  if (!existsSync(pinned)) {
    spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: tools,
      env: cleanEnv({}),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  if (!existsSync(pinned)) {
    process.stderr.write(
      `postern: Node ${process.versions.node} is too old, and none could be brought for ` +
        `${process.platform} ${process.arch}. Install Node ${OLDEST.join('.')} or newer.\n`,
    );
    process.exit(1);
  }
  return withHeaders(pinned);
}

/** Node's own archives and packages carry its headers beside it; else node-gyp fetches them. */
function withHeaders(executable) {
  const home = dirname(dirname(realpathSync(executable)));
  return {
    node: executable,
    headers: existsSync(join(home, 'include/node/node.h')) ? home : undefined,
  };
}

const { node, headers } = chooseNode();

const hash = () => createHash('sha256').update(readFileSync(binding)).digest('hex');

function built() {
  const probe = "process.exit(require('ssh2/lib/protocol/crypto.js').bindingAvailable ? 0 : 1)";
  if (!existsSync(binding) || !existsSync(mark)) return false;
  if (readFileSync(mark, 'utf8').trim() !== hash()) return false;
  return spawnSync(node, ['-e', probe], { cwd: root, stdio: 'ignore' }).status === 0;
}

if (!built()) {
  const header = join(root, 'scripts/native/object-wrap.h');
  const made = spawnSync(node, ['install.js'], {
    cwd: ssh2,
    encoding: 'utf8',
    env: cleanEnv({
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      CXXFLAGS: `-include ${JSON.stringify(header)} ${process.env.CXXFLAGS ?? ''}`,
      ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
    }),
  });
  if (existsSync(binding)) writeFileSync(mark, `${hash()}\n`);
  if (!built()) {
    const lines = `${made.stdout ?? ''}${made.stderr ?? ''}`.trim().split('\n');
    const why = lines.filter((line) => /error|not found|No such/i.test(line)).slice(-3);
    process.stderr.write(
      `${why.map((line) => `  ${line}\n`).join('')}` +
        "postern: ssh2's native crypto could not be built, so SSH runs about ten times slower. " +
        'On Debian: apt-get install build-essential python3, then npm ci again.\n',
    );
  }
}
