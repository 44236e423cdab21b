import { parsePublicKey } from '../../control/public-key.ts';
import { AUTHORITY_KEYS } from '../../domain/certificate.ts';
import { isMachineName, NAME_RULE } from '../../domain/names.ts';
import type { SetupRequestAuthority } from '../../domain/setup.ts';
import { userName } from './people.ts';
import type { Entry, SetupReader, Shape } from './reader.ts';

const AUTHORITY: Shape = { known: ['name', 'key', 'match_user_name', 'principals'] };

export function readAuthority(reader: SetupReader, entry: Entry): SetupRequestAuthority {
  const fields = reader.map(entry, AUTHORITY);
  const name = reader.required(fields, 'name', entry);
  const key = reader.required(fields, 'key', entry);
  const match = fields.get('match_user_name');
  const principals = fields.get('principals');
  return {
    name:
      name === undefined ? '' : reader.textThat(name, isMachineName, `is no name: ${NAME_RULE}`),
    key: key === undefined ? '' : readKey(reader, key),
    match_user_name: match === undefined ? true : reader.boolean(match),
    principals: principals === undefined ? {} : readPrincipals(reader, principals),
  };
}

function readKey(reader: SetupReader, entry: Entry): string {
  const line = reader.text(entry);
  if (line === null) return '';
  const key = parsePublicKey(line);
  if ('problem' in key) reader.refuse(entry, key.problem);
  else if (!AUTHORITY_KEYS.includes(key.algorithm)) {
    reader.refuse(entry, `is of type ${key.algorithm}, which an authority may not have`);
  }
  return line.trim();
}

/** `PRINCIPAL: [USER, USER]`. */
function readPrincipals(
  reader: SetupReader,
  entry: Entry,
): Readonly<Record<string, readonly string[]>> {
  const map = reader.pairs(entry).map((field) => {
    const users = reader.list(field).map((user) => userName(reader, user));
    if (users.length === 0) reader.refuse(field, 'must name at least one user');
    return [field.field.slice(entry.field.length + 1), users] as const;
  });
  return Object.fromEntries(map);
}
