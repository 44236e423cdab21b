import { defineConfig } from 'vitest/config';
import { PlainReporter } from './scripts/plain-reporter.ts';

const SHARED = 'test/support/shared.ts';
const SERVICES = 'test/support/services.ts';

/** Rooms whose tests start databases, servers or processes, and files of others that have a database. */
const INTEGRATION = [
  ...['api', 'archive', 'cli', 'control', 'engine', 'ipc', 'proxy', 'store', 'targets', 'web'].map(
    (room) => `test/${room}/**/*.test.ts`,
  ),
  ...['alerts/watch', 'analysis/analyses', 'outbound/sink-feed'].map(
    (file) => `test/${file}.test.ts`,
  ),
];

/** What one process can say of itself, and what needs more than that. */
function parts(name: 'unit' | 'integration') {
  const isUnit = name === 'unit';
  return {
    test: {
      name,
      include: isUnit ? ['test/**/*.test.ts'] : INTEGRATION,
      exclude: isUnit ? ['test/e2e/**', ...INTEGRATION] : [],
      globalSetup: isUnit ? [] : [SHARED, SERVICES],
      // Not how long they take, but when they are stuck.
      testTimeout: isUnit ? 30_000 : 60_000,
      hookTimeout: 120_000,
      sequence: { groupOrder: isUnit ? 0 : 1 },
    },
  };
}

/**
 * What the database has no part in, or a part that other files show on both: bytes, clients, recordings, pages.
 * These run with the embedded database alone, whose threads are the product's own: less is free there.
 */
const ONE_FOUNDATION = [
  'clients/*',
  'agent',
  'ansible',
  'archive',
  'archive-full-spool',
  'capabilities',
  'commands',
  'containers',
  'demo',
  'encrypted-recording',
  'exec',
  'factors-console',
  'failing-disk',
  'forwarding',
  'full-disk',
  'jump',
  'jump-certificates',
  'long-replay',
  'machine-behind-machine',
  'memory',
  'no-zombies',
  'old-machine',
  'one-way-transfers',
  'pods',
  'redaction',
  'remote-forwarding',
  'replay',
  'shell-integration',
  'ssh-audit',
  'timeline',
  'transfer',
  'typed-input',
  'user-certificates',
  'vsay-snippet',
  'web-terminal',
  'web-terminal-page',
  'x11',
].map((name) => `test/e2e/${name}.test.ts`);

/** One behaviour, two foundations: the same files run against each of them. */
function endToEnd(backend: 'embedded' | 'postgres') {
  return {
    test: {
      name: `e2e-${backend}`,
      include: ['test/e2e/**/*.test.ts'],
      exclude: backend === 'embedded' ? [] : ONE_FOUNDATION,
      globalSetup: backend === 'postgres' ? [SERVICES] : [SHARED],
      provide: { backend },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      sequence: { groupOrder: 1 },
    },
  };
}

export default defineConfig({
  test: {
    reporters: ['default', new PlainReporter()],
    // On two processors: a file waits for a third of its time. test/support/backend.ts knows of three.
    maxWorkers: 3,
    // Tests start the product's threads in processes that did not begin with src/wasm-wrappers.ts.
    // Lives are short here: V8 took longer to make their embedded databases faster than it saved them.
    execArgv: ['--wasm-wrapper-tiering-budget=1000000000', '--liftoff-only'],
    // One race in thousands of tests must not hold everything else up; the reporter names it as a bug.
    retry: process.env['CI'] ? 1 : 0,
    projects: [parts('unit'), parts('integration'), endToEnd('embedded'), endToEnd('postgres')],
  },
});
