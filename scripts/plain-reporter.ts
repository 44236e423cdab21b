/**
 * What a person, or a script, reads at the end of a test run: what was skipped, the Debian package
 * that would enable it (once a package), what passed only when it was run again, the files that
 * failed, and as the very last line `N passed, N failed, N skipped`.
 */
import { writeSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** As test/support/requirements.ts marks a suite that it skips. */
const NEEDS = /\[needs ([a-z0-9, -]+)\]/;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** Skipped tests for each set of packages that would enable them; '' where nobody said. */
  readonly lacking: Map<string, number>;
  /** Tests that passed only when they were run again. */
  readonly flaky: string[];
  /** Projects and files in which something failed. */
  readonly failures: string[];
}

function countCase(tally: Tally, test: TestCase): void {
  const { state } = test.result();
  if (test.diagnostic()?.flaky === true) {
    tally.flaky.push(`${test.project.name} ${test.module.relativeModuleId}: ${test.fullName}`);
  }
  if (state === 'passed') tally.passed += 1;
  else if (state === 'failed') tally.failed += 1;
  else {
    tally.skipped += 1;
    const packages = NEEDS.exec(test.fullName)?.[1] ?? '';
    tally.lacking.set(packages, (tally.lacking.get(packages) ?? 0) + 1);
  }
}

/** A file that could not be loaded, or a failing hook around tests that passed, is a failure too. */
function countModule(tally: Tally, module: TestModule): void {
  const before = tally.failed;
  for (const test of module.children.allTests()) countCase(tally, test);
  if (module.state() === 'failed' && tally.failed === before) tally.failed += 1;
  if (tally.failed > before) {
    tally.failures.push(`${module.project.name} ${module.relativeModuleId}`);
  }
}

function lines(tally: Tally): string[] {
  const skipped = [...tally.lacking].map(([packages, count]) =>
    packages === ''
      ? `skipped: ${count} (not for want of a package)`
      : `skipped: ${count}, for want of ${packages}: apt-get install ${packages.replaceAll(',', '')}`,
  );
  const flaky = tally.flaky.map((name) => `flaky, a bug: ${name}`);
  const failures = tally.failures.map((name) => `failed: ${name}`);
  return [
    ...flaky.sort(),
    ...skipped.sort(),
    ...failures.sort(),
    `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`,
  ];
}

export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tally: Tally = {
      passed: 0,
      failed: unhandled.length,
      skipped: 0,
      lacking: new Map(),
      flaky: [],
      failures: [],
    };
    const lost = modules.filter((module) => ['pending', 'queued'].includes(module.state()));
    for (const module of modules) countModule(tally, module);
    // A process that crashed is one such error, and leaves its file unfinished.
    if (unhandled.length > lost.length) tally.failures.push('outside of any test');
    for (const { project, relativeModuleId } of unhandled.length > 0 ? lost : []) {
      tally.failures.push(`${project.name} ${relativeModuleId}`);
    }
    // Other reporters and the services' ends still write; only `exit` comes after them all.
    process.once('exit', () => {
      writeSync(1, `\n${lines(tally).join('\n')}\n`);
    });
  }
}
