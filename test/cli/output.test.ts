import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { showJson } from '../../src/cli/output.ts';

test('JSON has nothing in it that a terminal takes for a control', () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const value = { text: '\u001b[1m\u009b6n\u007f\u0007ü' };
  showJson({ env: {}, stdout, stderr, terminal: true, columns: 80 }, value);
  const written = String(stdout.read());
  expect(written.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(JSON.parse(written)).toEqual(value);
});
