import type { SetupRequest } from '../domain/setup.ts';
import { readAlert } from './setup/alerts.ts';
import { readAuthority } from './setup/authorities.ts';
import { readGrant } from './setup/grants.ts';
import { readMachine } from './setup/machines.ts';
import { readGroup, readUser } from './setup/people.ts';
import { type Entry, type SetupProblem, SetupReader, type Shape } from './setup/reader.ts';
import type { SecretSources } from './setup/secrets.ts';
import { readStack } from './setup/stacks.ts';

/** What a set-up file says, its secrets read. */
export interface SetupFile {
  readonly setup: Required<
    Omit<SetupRequest, 'dry_run' | 'prune' | 'certificate_authorities' | 'alerts' | 'stacks'>
  > &
    Pick<SetupRequest, 'certificate_authorities' | 'alerts' | 'stacks'>;
  /** The line of a field, for what the server finds wrong with it. */
  readonly lineOf: (field: string) => number;
}

const FILE: Shape = {
  known: ['users', 'groups', 'machines', 'stacks', 'grants', 'certificate_authorities', 'alerts'],
};

/** Characters; the API takes a megabyte. */
const LARGEST = 1_000_000;

/**
 * Reads the YAML of `postern apply` (spec/interface.md). All that is wrong with it comes together,
 * each with its line. Whether a name that it refers to exists, the server knows.
 */
export function readSetupFile(
  text: string,
  sources: SecretSources,
): SetupFile | { readonly problems: readonly SetupProblem[] } {
  if (text.length > LARGEST) {
    const message = `has more than ${LARGEST} characters`;
    return { problems: [{ line: 1, field: '', message }] };
  }
  const reader = new SetupReader(text);
  if (reader.problems.length > 0) return { problems: reader.problems };
  const { root } = reader;
  if (root.node === null) {
    // With --prune, a file that was emptied by mistake would remove everything.
    return { problems: [{ line: 1, field: '', message: 'is empty' }] };
  }
  const setup = readAll(reader, root, sources);
  if (reader.problems.length > 0) return { problems: reader.problems };
  return { setup, lineOf: (field) => reader.lineOf(field) };
}

function readAll(reader: SetupReader, root: Entry, sources: SecretSources): SetupFile['setup'] {
  const fields = reader.map(root, FILE);
  const entries = (kind: string): readonly Entry[] => reader.list(fields.get(kind));
  const users = entries('users').map((entry) => readUser(reader, entry, sources));
  const groups = entries('groups').map((entry) => readGroup(reader, entry));
  const machines = entries('machines').map((entry) => readMachine(reader, entry, sources));
  const grants = entries('grants').map((entry) => readGrant(reader, entry));
  refuseRepeated(reader, 'users', users);
  refuseRepeated(reader, 'groups', groups);
  refuseRepeated(reader, 'machines', machines);
  const alerts = entries('alerts').map((entry) => readAlert(reader, entry));
  refuseRepeated(reader, 'alerts', alerts);
  const stacks = entries('stacks').map((entry) => readStack(reader, entry));
  refuseRepeated(reader, 'stacks', stacks);
  const file = {
    users,
    groups,
    machines: machines.filter((machine) => machine !== null),
    grants,
    ...(fields.has('alerts') && { alerts }),
    ...(fields.has('stacks') && { stacks }),
  };
  if (!fields.has('certificate_authorities')) return file;
  const authorities = entries('certificate_authorities').map((each) => readAuthority(reader, each));
  refuseRepeated(reader, 'certificate_authorities', authorities);
  return { ...file, certificate_authorities: authorities };
}

function refuseRepeated(
  reader: SetupReader,
  kind: string,
  things: readonly ({ readonly name: string } | null)[],
): void {
  const first = new Map<string, string>();
  things.forEach((thing, at) => {
    if (thing === null || thing.name === '') return;
    const field = `${kind}[${at}].name`;
    const before = first.get(thing.name);
    if (before === undefined) first.set(thing.name, field);
    else {
      const message = `"${thing.name}" is there already, on line ${reader.lineOf(before)}`;
      reader.refuse({ node: null, field, line: reader.lineOf(field) }, message);
    }
  });
}
