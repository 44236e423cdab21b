import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { apiDocument } from '../../scripts/api-document.ts';
import { typesOfDocument } from '../../scripts/api-types.ts';
import { incompatibilities } from '../../scripts/incompatibilities.ts';
import { type Document, operationsOf } from '../../scripts/open-api.ts';

/** The OpenAPI document of this code, and what is committed of it. */

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const text = apiDocument();
const document: Document = JSON.parse(text);

/** Not `toEqual` of two texts: the difference of ten thousand lines helps nobody. */
const isStale = (path: string, now: string) =>
  read(path) === now ? [] : [`${path}: run npm run api`];

test('the document is valid by the schema of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(text));
  expect([valid, errors]).toEqual([true, undefined]);
});

test('nothing that a client of the committed document relies on is gone', () => {
  const before: Document = JSON.parse(read('docs/openapi.json'));
  expect(incompatibilities(before, document)).toEqual([]);
});

test('the committed document and the types of the client are those of this code', () => {
  expect([
    ...isStale('docs/openapi.json', text),
    ...isStale('src/client/operations.ts', typesOfDocument(document)),
  ]).toEqual([]);
});

test.each([...operationsOf(document)])('%s says what it takes and answers', (name, operation) => {
  expect(operation.summary).toMatch(/\S/);
  const inPath = operation.parameters?.filter((one) => one.in === 'path').map((one) => one.name);
  expect(inPath ?? []).toEqual([...name.matchAll(/\{(.+?)\}/g)].map(([, key]) => key));
  const answers = Object.entries(operation.responses);
  expect(answers.some(([status]) => /^(?:101|2\d\d)$/.test(status))).toBe(true);
  for (const [status, { description, content }] of answers) {
    expect(description, status).toMatch(/\S/);
    // RFC 9110 §15.2.2, §15.4.5: these have no content.
    if (['101', '204', '304'].includes(status)) continue;
    const types = Object.entries(content ?? {});
    expect(types.length, status).toBeGreaterThan(0);
    for (const [type, { schema }] of types) expect(schema, `${status} ${type}`).toBeDefined();
  }
});

test('names in a reference are there', () => {
  const { schemas } = document.components;
  const names = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)];
  expect(names.length).toBeGreaterThan(100);
  for (const [, name = ''] of names) expect(schemas[name], name).toBeDefined();
});
