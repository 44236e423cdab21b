import { type Schema, typesOf } from '../../scripts/open-api.ts';
import type { Target } from './fuzz-targets.ts';

/** A value that must be refused, as it stands in the request: JSON in a body, else text. */
export interface BadValue {
  readonly what: string;
  readonly value: string;
}

/** Beyond every field of a body; and beyond every one of an address, which has 16 kB for all. */
const LONG_BODY = 100_000;
const LONG_ADDRESS = 4000;

const OF_TYPE: Readonly<Record<string, string>> = {
  string: '"x"',
  integer: '5',
  boolean: 'true',
  array: '[]',
  object: '{}',
  null: 'null',
};

const CONTROLS = 'a\u0000\u0007\u001b[31mb';

/** What the document says that the field does not take. */
export function badValues({ place, schema }: Target): BadValue[] {
  const inBody = place === 'body';
  const quoted = (text: string): string => (inBody ? JSON.stringify(text) : text);
  const long = 'x'.repeat(inBody ? LONG_BODY : LONG_ADDRESS);
  const types = allTypes(schema);
  const isNumber = types.has('integer') || types.has('number');
  const always = [{ what: 'over-long', value: quoted(long) }];
  const words =
    schema.enum === undefined ? [] : [{ what: 'no such word', value: quoted('no-such') }];
  const numbers =
    isNumber && !types.has('string')
      ? [
          { what: 'negative', value: '-1' },
          { what: 'NaN', value: quoted('NaN') },
          { what: 'a fraction', value: '1.5' },
          { what: 'beyond all', value: '1e309' },
        ]
      : [];
  return [
    ...always,
    { what: 'control characters', value: quoted(CONTROLS) },
    ...words,
    ...numbers.filter(({ what }) => !types.has('number') || what !== 'a fraction'),
    ...(inBody && types.size > 0 ? wrongTypes(types) : []),
  ];
}

function wrongTypes(types: ReadonlySet<string>): BadValue[] {
  return Object.entries(OF_TYPE)
    .filter(([type]) => !types.has(type) && !(type === 'integer' && types.has('number')))
    .map(([type, value]) => ({ what: `is ${type}`, value }));
}

/** Those of every form that it may have; none: any. */
function allTypes(schema: Schema): ReadonlySet<string> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return new Set(choices.flatMap((one) => [...allTypes(one)]));
  return new Set(typesOf(schema));
}

/** What may be good text somewhere; nowhere may it do more than text. */
export const STRANGE = [
  `'; drop table users; --`,
  `" or 1=1 --`,
  '1); delete from audit; select (1',
  '%27%20or%201=1',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '\\..\\..\\',
  '$' + '{jndi:ldap://x}',
  '{{7*7}}',
  '$(reboot)',
  '<script>alert(1)</script>',
  '%',
  '_',
  '%%%',
  '\u202egnp.exe',
  '\ud800',
  'é'.repeat(64),
  '0',
  '-0',
  '00000000000000000001',
  '9007199254740993',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  '[object Object]',
  '',
  ' ',
];
