import { isMap } from 'yaml';
import { isHost } from '../../config/listener.ts';
import { parsePublicKey } from '../../control/public-key.ts';
import {
  CONTAINER_RULE,
  isContainerName,
  isShell,
  MOST_SHELLS,
} from '../../domain/container-place.ts';
import { enginePlace } from '../../domain/engine-address.ts';
import { PosternError } from '../../domain/errors.ts';
import { HOST_KEY_POLICIES, MACHINE_ALGORITHMS, MACHINE_KINDS } from '../../domain/machine.ts';
import { isLogin, isMachineName, NAME_RULE } from '../../domain/names.ts';
import { RECORDING_POLICIES } from '../../domain/recording.ts';
import type { SetupRequestMachine, SetupRequestReach } from '../../domain/setup.ts';
import { MARKED_SHELLS } from '../../domain/shell-integration.ts';
import { type Entry, NOT_YET, type SetupReader, type Shape } from './reader.ts';
import { readRetention } from './retention.ts';
import { privateKeyProblem, readSecret, type SecretSources } from './secrets.ts';
import { isTagKey, TAG_KEY_RULE } from './values.ts';

/** What a machine of kind ssh has that others lack. */
const OF_SSH = ['host', 'port', 'auth', 'jump', 'host_key', 'host_key_policy', 'algorithms'];

const MACHINE: Shape = {
  known: [
    'name',
    'kind',
    'host',
    'port',
    'login',
    'auth',
    'jump',
    'host_key',
    'host_key_policy',
    'algorithms',
    'recording',
    'retention',
    'index',
    'record_input',
    'shell_integration',
    'tags',
    'description',
  ],
};

/** The same of a container. */
const CONTAINER: Shape = {
  known: [
    ...MACHINE.known.filter((name) => !OF_SSH.includes(name)),
    ...['engine', 'container', 'shell'],
  ],
};

const CHOICE: Shape = { known: ['stack', 'service'] };

const AUTH: Shape = {
  known: ['key', 'password', 'bastion_key', 'certificate', 'agent', 'none'],
  later: [],
};

export function machineName(reader: SetupReader, entry: Entry | undefined): string {
  return entry === undefined
    ? ''
    : reader.textThat(entry, isMachineName, `is no name: ${NAME_RULE}`);
}

export function loginName(reader: SetupReader, entry: Entry | undefined): string {
  return entry === undefined ? '' : reader.textThat(entry, isLogin, 'is no account name');
}

/** Null when it is of a kind that this version does not do: then only that is refused. */
export function readMachine(
  reader: SetupReader,
  entry: Entry,
  sources: SecretSources,
): SetupRequestMachine | null {
  // The kind comes first: of a container's machine it alone is worth a word.
  const kind = reader.pairs(entry).find(({ field }) => field === `${entry.field}.kind`);
  const word = reader.word(kind, MACHINE_KINDS, 'ssh');
  if (word === 'kubernetes') {
    if (kind !== undefined) reader.refuse(kind, NOT_YET);
    return null;
  }
  const fields = reader.map(entry, word === 'docker' ? CONTAINER : MACHINE);
  const description = fields.get('description');
  const index = fields.get('index');
  const recordInput = fields.get('record_input');
  const marked = fields.get('shell_integration');
  return {
    name: machineName(reader, reader.required(fields, 'name', entry)),
    ...(word === 'docker'
      ? readContainer(reader, entry, fields)
      : readSsh(reader, entry, fields, sources)),
    login: loginName(reader, reader.required(fields, 'login', entry)),
    recording: reader.word(fields.get('recording'), RECORDING_POLICIES, 'required'),
    retention: readRetention(reader, fields.get('retention')),
    index: index === undefined ? true : reader.boolean(index),
    record_input: recordInput === undefined ? false : reader.boolean(recordInput),
    shell_integration: marked === undefined ? null : reader.word(marked, MARKED_SHELLS, 'bash'),
    tags: readTags(reader, fields.get('tags')),
    description:
      description === undefined
        ? ''
        : reader.textThat(description, (text) => text.length <= 1000, 'is longer than 1000'),
  };
}

type Fields = ReadonlyMap<string, Entry>;
type Ssh = Extract<SetupRequestReach, { readonly kind: 'ssh' }>;
type Docker = Extract<SetupRequestReach, { readonly kind: 'docker' }>;

function readSsh(reader: SetupReader, entry: Entry, fields: Fields, sources: SecretSources): Ssh {
  const host = reader.required(fields, 'host', entry);
  const port = fields.get('port');
  return {
    kind: 'ssh',
    host: host === undefined ? '' : reader.textThat(host, isHost, 'is no host name or address'),
    port: (port === undefined ? null : reader.number(port, 1, 65_535)) ?? 22,
    auth: readAuth(reader, reader.required(fields, 'auth', entry), sources),
    jump: fields.get('jump') === undefined ? null : machineName(reader, fields.get('jump')),
    host_key: readHostKey(reader, fields.get('host_key')),
    host_key_policy: reader.word(fields.get('host_key_policy'), HOST_KEY_POLICIES, 'accept-new'),
    algorithms: reader.word(fields.get('algorithms'), MACHINE_ALGORITHMS, 'modern'),
  };
}

function readContainer(reader: SetupReader, entry: Entry, fields: Fields): Docker {
  const engine = reader.required(fields, 'engine', entry);
  const shells = reader.list(fields.get('shell'));
  if (shells.length > MOST_SHELLS && shells[0] !== undefined) {
    reader.refuse(shells[0], `is one of more than ${MOST_SHELLS}`);
  }
  return {
    kind: 'docker',
    engine: engine === undefined ? '' : readEngine(reader, engine),
    container: readChoice(reader, reader.required(fields, 'container', entry)),
    shell: shells.map((one) =>
      reader.textThat(one, isShell, 'is neither an absolute path nor the name of a shell'),
    ),
  };
}

/** The address of a container engine, whether it answers or not. */
export function readEngine(reader: SetupReader, entry: Entry): string {
  const address = reader.text(entry) ?? '';
  try {
    if (address !== '') enginePlace(address);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    reader.refuse(entry, error.message);
  }
  return address;
}

function readChoice(reader: SetupReader, entry: Entry | undefined): Docker['container'] {
  if (entry === undefined) return '';
  const name = (one: Entry | undefined): string =>
    one === undefined ? '' : reader.textThat(one, isContainerName, `is no name: ${CONTAINER_RULE}`);
  if (!isMap(entry.node)) return name(entry);
  const fields = reader.map(entry, CHOICE);
  const [stack, service] = (['stack', 'service'] as const).map((one) =>
    name(reader.required(fields, one, entry)),
  );
  return { stack: stack ?? '', service: service ?? '' };
}

function readAuth(
  reader: SetupReader,
  entry: Entry | undefined,
  sources: SecretSources,
): Ssh['auth'] {
  const none = { type: 'none' } as const;
  if (entry === undefined) return none;
  const before = reader.problems.length;
  const ways = [...reader.map(entry, AUTH)];
  const [way, value] = ways[0] ?? ['', entry];
  if (ways.length !== 1) {
    if (reader.problems.length === before) {
      reader.refuse(entry, `must have one of ${AUTH.known.join(', ')}`);
    }
    return none;
  }
  if (way === 'bastion_key' || way === 'certificate' || way === 'agent' || way === 'none') {
    if (!reader.isTrue(value)) reader.refuse(value, 'must be true');
    return { type: way };
  }
  const secret = readSecret(reader, value, sources) ?? '';
  if (way === 'password') return { type: 'password', password: secret };
  const problem = secret === '' ? null : privateKeyProblem(secret);
  if (problem !== null) reader.refuse(value, problem);
  // OpenSSH's form ends in a newline, and some readers insist on it.
  return { type: 'key', private_key: `${secret}\n` };
}

function readHostKey(reader: SetupReader, entry: Entry | undefined): string | null {
  const line = entry === undefined ? null : reader.text(entry);
  if (entry === undefined || line === null) return null;
  const key = parsePublicKey(line);
  if (!('problem' in key)) return `${key.algorithm} ${key.blob}`;
  reader.refuse(entry, key.problem);
  return null;
}

function readTags(reader: SetupReader, entry: Entry | undefined): Readonly<Record<string, string>> {
  if (entry === undefined) return {};
  const tags = reader.pairs(entry).map((field): [string, string] => {
    const key = field.field.slice(entry.field.length + 1);
    if (!isTagKey(key)) reader.refuse(field, TAG_KEY_RULE);
    const rule = 'must have at most 200 characters and no control characters';
    const fits = (text: string): boolean => text.length <= 200 && !/\p{Cc}/u.test(text);
    return [key, reader.textThat(field, fits, rule)];
  });
  if (tags.length > 64) reader.refuse(entry, 'must be at most 64');
  return Object.fromEntries(tags);
}
