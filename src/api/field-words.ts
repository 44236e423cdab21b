import { z } from '@hono/zod-openapi';

type Issue = z.core.$ZodRawIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** What is counted of things that can be too long or too short; of all others it is their value. */
const COUNTED: Readonly<Record<string, readonly [one: string, several: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};

function limit(origin: string, word: 'least' | 'most', value: number | bigint): string {
  const units = COUNTED[origin];
  if (units === undefined) return `must be at ${word} ${value}`;
  return `must have at ${word} ${value} ${Number(value) === 1 ? units[0] : units[1]}`;
}

/** What is wrong with a field, as what it must be; undefined where zod's own words have to do. */
function wordsOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'is missing';
      const type = TYPES[issue.expected];
      return type === undefined ? undefined : `must be ${type}`;
    }
    case 'invalid_value': {
      const values = issue.values.map(String).join(', ');
      return issue.values.length === 1 ? `must be ${values}` : `must be one of ${values}`;
    }
    case 'too_small':
      return issue.inclusive === false
        ? `must be more than ${issue.minimum}`
        : limit(issue.origin, 'least', issue.minimum);
    case 'too_big':
      return issue.inclusive === false
        ? `must be less than ${issue.maximum}`
        : limit(issue.origin, 'most', issue.maximum);
    case 'invalid_union':
      return 'has none of the forms that are possible here';
    default:
      return undefined;
  }
}

const english = z.config().localeError;

/** Makes zod say what is wrong with a field in words that can stand behind the field's name. */
export function sayWhatFieldsMustBe(): void {
  z.config({ localeError: (issue) => wordsOf(issue) ?? english?.(issue) });
}
