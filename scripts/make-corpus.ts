import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MARKED } from './corpus/marked.ts';
import { MULTIPLEXERS } from './corpus/multiplexers.ts';
import { PROGRAMS } from './corpus/programs.ts';
import { startServices } from './corpus/services.ts';
import { SHELLS } from './corpus/shells.ts';
import { HOME, type Scenario, Stage } from './corpus/stage.ts';

/**
 * Records the corpus anew, with the real programs, and writes beside each recording what was done:
 *
 *     sh scripts/node.sh scripts/make-corpus.ts [NAME-PART …]
 *
 * Wants bash, zsh, fish, busybox, dash, tmux, screen, vim, less, htop, python3, psql, sshd and sudo.
 */
const DIRECTORY = join(import.meta.dirname, '../test/corpus');
const MARKS = join(import.meta.dirname, '../src/proxy/shell-integration');

async function record(scenario: Scenario): Promise<boolean> {
  const stage = new Stage(scenario);
  try {
    await scenario.drive(stage);
    stage.write(DIRECTORY);
    process.stdout.write(`${scenario.name}: ${stage.truth.length} commands\n`);
    return true;
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return false;
  } finally {
    stage.kill();
  }
}

const parts = process.argv.slice(2);
const wanted = [...SHELLS, ...MARKED, ...PROGRAMS, ...MULTIPLEXERS].filter(
  ({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)),
);
mkdirSync(HOME, { recursive: true });
cpSync(MARKS, HOME, { recursive: true });
const stop = startServices();
mkdirSync(DIRECTORY, { recursive: true });
const queue = [...wanted];
let failed = 0;
const lane = async (): Promise<void> => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (!(await record(next))) failed += 1;
  }
};
await Promise.all(Array.from({ length: 6 }, lane));
stop();
rmSync(HOME, { recursive: true, force: true });
process.stdout.write(`${wanted.length - failed} of ${wanted.length} recorded\n`);
process.exitCode = failed === 0 ? 0 : 1;
