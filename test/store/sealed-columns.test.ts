import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { SEALED_COLUMNS } from '../../src/store/sealed-columns.ts';

const STORE = resolve(import.meta.dirname, '../../src/store');
const read = (file: string): string => readFileSync(resolve(STORE, file), 'utf8');

test('every column of type Sealed is sealed again when the key changes', () => {
  const tables = readdirSync(STORE).filter((file) => /tables?\.ts$/.test(file));
  const columns = [
    ...tables
      .map(read)
      .join('\n')
      .matchAll(/^ {2}(\w+): .*\bSealed\b/gm),
  ].map(([, at]) => at);
  expect(columns.length).toBeGreaterThan(0);
  const known = Object.keys(SEALED_COLUMNS).map((name) => name.split('.')[1]);
  expect(known.toSorted()).toEqual(columns.toSorted());
});

test('whatever seals a text keeps its type, so that no column holds one as any other text', () => {
  const sealing = readdirSync(STORE).filter(
    (file) => !['vault.ts', 'reseal.ts'].includes(file) && /[vV]ault\.seal\(/.test(read(file)),
  );
  expect(sealing.length).toBeGreaterThan(0);
  for (const file of sealing) expect(`${file}: ${read(file)}`).toMatch(/import .*\bSealed\b/);
});
