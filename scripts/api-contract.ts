import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiDocument } from './api-document.ts';
import { typesOfDocument } from './api-types.ts';
import { incompatibilities } from './incompatibilities.ts';
import type { Document } from './open-api.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs/openapi.json');
const TYPES = join(ROOT, 'src/client/operations.ts');

/** Renews docs/openapi.json and the client's types from the code. Says what it refuses, and why. */
function main(): number {
  const { values } = parseArgs({ options: { incompatible: { type: 'boolean', default: false } } });
  const text = apiDocument();
  const document: Document = JSON.parse(text);
  const before: Document = existsSync(DOCUMENT)
    ? JSON.parse(readFileSync(DOCUMENT, 'utf8'))
    : document;
  const lines = incompatibilities(before, document);
  for (const line of lines) process.stderr.write(`incompatible: ${line}\n`);
  if (lines.length > 0 && !values.incompatible) {
    process.stderr.write(
      'nothing was written; with -- --incompatible it is (and say so in CHANGELOG.md)\n',
    );
    return 1;
  }
  writeFileSync(DOCUMENT, text);
  writeFileSync(TYPES, typesOfDocument(document));
  return 0;
}

process.exitCode = main();
