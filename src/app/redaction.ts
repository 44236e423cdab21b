import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingLibrary } from '../domain/recording.ts';
import type { OwnPattern, RedactionRules } from '../domain/redaction.ts';
import { DETECTOR_NAMES } from '../redact/builtin.ts';
import type { WorkerSettings } from '../redact/messages.ts';
import { ThreadedRedaction } from '../redact/redaction.ts';

const MOST_PATTERNS = 50;
const LARGEST_FILE = 100_000;

/** The built-in detectors alone. */
export const BUILTIN_RULES: RedactionRules = { patterns: [], without: [] };

function fail(path: string, reason: string): never {
  throw new PosternError('redaction.rules', { path, reason });
}

function listOf(value: unknown, path: string, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : fail(path, `${name} is no list`);
}

function patternOf(value: unknown, path: string): OwnPattern {
  const isMap = typeof value === 'object' && value !== null;
  if (isMap && 'name' in value && 'match' in value && Object.keys(value).length === 2) {
    const { name, match } = value;
    if (typeof name === 'string' && typeof match === 'string') return { name, match };
  }
  return fail(path, 'a pattern has a name and a match, both of them texts, and nothing else');
}

/**
 * What is hidden by the file of POSTERN_REDACTION, which adds `patterns` to the built-in detectors and says
 * `without` which of them; null: those alone. Throws `redaction.rules`; the patterns are checked where they are used.
 */
export function loadRedactionRules(path: string | null): RedactionRules {
  if (path === null) return BUILTIN_RULES;
  let value: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > LARGEST_FILE) fail(path, `it has more than ${LARGEST_FILE} characters`);
    value = parse(text);
  } catch (error) {
    return error instanceof PosternError ? fail(path, error.message) : fail(path, reasonOf(error));
  }
  if (typeof value !== 'object' || value === null) fail(path, 'it has no patterns');
  const strange = Object.keys(value).find((name) => name !== 'patterns' && name !== 'without');
  if (strange !== undefined) fail(path, `it knows patterns and without, and not ${strange}`);
  const given: { readonly patterns?: unknown; readonly without?: unknown } = value;
  const patterns = listOf(given.patterns, path, 'patterns').map((one) => patternOf(one, path));
  if (patterns.length > MOST_PATTERNS) fail(path, `it has more than ${MOST_PATTERNS} patterns`);
  const without = listOf(given.without, path, 'without').map(String);
  const unknown = without.find((name) => !DETECTOR_NAMES.includes(name));
  if (unknown !== undefined) {
    fail(path, `there is no detector ${unknown}; there are ${DETECTOR_NAMES.join(', ')}`);
  }
  return { patterns, without };
}

/**
 * The recordings of a directory as they are shown to who may not see what is secret in them. Throws
 * `redaction.pattern`.
 */
export function openRedaction(
  library: RecordingLibrary,
  settings: WorkerSettings,
  log: Logger,
): ThreadedRedaction {
  const worker = new URL('./redact-worker.ts', import.meta.url);
  return new ThreadedRedaction({ library, ...settings, worker, log });
}
