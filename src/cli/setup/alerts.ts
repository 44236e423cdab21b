import { isMachineName, NAME_RULE } from '../../domain/names.ts';
import { SEARCH_KINDS } from '../../domain/search.ts';
import type { SetupAlert } from '../../domain/setup.ts';
import { machineName } from './machines.ts';
import { userName } from './people.ts';
import type { Entry, SetupReader, Shape } from './reader.ts';

const ALERT: Shape = { known: ['name', 'pattern', 'in', 'machine', 'group'] };

/** Whether the pattern is possible, the server knows. */
export function readAlert(reader: SetupReader, entry: Entry): SetupAlert {
  const fields = reader.map(entry, ALERT);
  const name = reader.required(fields, 'name', entry);
  const pattern = reader.required(fields, 'pattern', entry);
  const [kind, machine, group] = ['in', 'machine', 'group'].map((field) => fields.get(field));
  if (machine !== undefined && group !== undefined) {
    reader.refuse(group, 'cannot be given with machine');
  }
  return {
    name:
      name === undefined ? '' : reader.textThat(name, isMachineName, `is no name: ${NAME_RULE}`),
    pattern: pattern === undefined ? '' : (reader.text(pattern) ?? ''),
    kind: kind === undefined ? null : reader.word(kind, SEARCH_KINDS, 'command'),
    machine: machine === undefined ? null : machineName(reader, machine),
    group: group === undefined ? null : userName(reader, group),
  };
}
