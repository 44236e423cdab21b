import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { printable } from '../domain/log.ts';
import type { Environment } from './environment.ts';
import { didYouMean } from './nearest.ts';
import { NAMES } from './options.ts';
import type { ConfigProblem } from './problem.ts';

/** A setting's text and where it came from. */
export interface Given {
  readonly text: string;
  /** `environment`, or the file's name and the line. */
  readonly from: string;
}

export interface Source {
  readonly given: ReadonlyMap<string, Given>;
  readonly problems: readonly ConfigProblem[];
}

/** Variables with our prefix that are no settings of the server: the command line's and the tests'. */
const OTHERS: readonly string[] = ['POSTERN_URL', 'POSTERN_TOKEN', 'POSTERN_CONFIG'];

/** Larger than any list of settings. */
const LARGEST_FILE = 1_000_000;

function unknown(name: string, place: string): ConfigProblem {
  const demo = name === 'POSTERN_DEMO';
  return {
    setting: printable(name, 80),
    found: `no setting of this name (${place})`,
    remedy: demo
      ? 'the demo is switched on by --demo on the command line alone'
      : `remove it${didYouMean(name, NAMES)}`,
  };
}

/** A variable that is empty counts as not set. */
export function fromEnvironment(env: Environment): Source {
  const given = new Map<string, Given>();
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || text === '') continue;
    if (NAMES.includes(name)) given.set(name, { text, from: 'environment' });
    else if (
      name.startsWith('POSTERN_') &&
      !name.startsWith('POSTERN_TEST_') &&
      !OTHERS.includes(name)
    ) {
      problems.push(unknown(name, 'environment'));
    }
  }
  return { given, problems };
}

function onlyProblem(found: string, remedy: string): Source {
  return { given: new Map(), problems: [{ setting: '--config', found, remedy }] };
}

/** The YAML file of `--config`: one map, the names of the settings as keys. */
export function fromFile(file: string): Source {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return onlyProblem(`${file} cannot be read (${code})`, 'name a YAML file that can be read');
  }
  if (text.length > LARGEST_FILE) {
    return onlyProblem(`${file} has more than ${LARGEST_FILE} characters`, 'make it smaller');
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    return onlyProblem(`${file} line ${line} is not YAML`, broken.message);
  }
  if (document.contents === null) return { given: new Map(), problems: [] };
  if (!isMap(document.contents)) {
    return onlyProblem(`${file} is not a list of NAME: VALUE`, 'write one setting a line');
  }
  return readMap(document.contents, (at) => `${file} line ${lines.linePos(at).line}`);
}

function readMap(map: YAMLMap, place: (offset: number) => string): Source {
  const given = new Map<string, Given>();
  const problems: ConfigProblem[] = [];
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const from = place(key.range?.[0] ?? 0);
    if (!NAMES.includes(name)) problems.push(unknown(name, from));
    else if (!isScalar(value)) {
      problems.push({ setting: name, found: `a list or map (${from})`, remedy: 'write one value' });
    } else if (value.value !== null && value.value !== '') {
      // As it was written: a key of digits alone must not go through a number.
      given.set(name, { text: value.source ?? String(value.value), from });
    }
  }
  return { given, problems };
}
