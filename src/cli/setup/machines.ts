import { isHost } from '../../config/listener.ts';
import { parsePublicKey } from '../../control/public-key.ts';
import {
  HOST_KEY_POLICIES,
  MACHINE_ALGORITHMS,
  MACHINE_KINDS,
  type MachineKind,
} from '../../domain/machine.ts';
import { isLogin, isMachineName, NAME_RULE } from '../../domain/names.ts';
import { POD_LOGIN } from '../../domain/pod-place.ts';
import { RECORDING_POLICIES } from '../../domain/recording.ts';
import type { SetupRequestMachine, SetupRequestReach } from '../../domain/setup.ts';
import { MARKED_SHELLS } from '../../domain/shell-integration.ts';
import { readContainer, readPod } from './containers.ts';
import type { Entry, Fields, SetupReader, Shape } from './reader.ts';
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

const ALL = MACHINE.known.filter((name) => !OF_SSH.includes(name));

const SHAPES: Readonly<Record<MachineKind, Shape>> = {
  ssh: MACHINE,
  docker: { known: [...ALL, 'engine', 'container', 'shell'] },
  kubernetes: {
    known: [...ALL, 'cluster', 'namespace', 'pod', 'selector', 'container', 'shell'],
  },
};

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

export function readMachine(
  reader: SetupReader,
  entry: Entry,
  sources: SecretSources,
): SetupRequestMachine {
  // The kind comes first: each has fields of its own.
  const kind = reader.pairs(entry).find(({ field }) => field === `${entry.field}.kind`);
  const word = reader.word(kind, MACHINE_KINDS, 'ssh');
  const fields = reader.map(entry, SHAPES[word]);
  const description = fields.get('description');
  const index = fields.get('index');
  const recordInput = fields.get('record_input');
  const marked = fields.get('shell_integration');
  return {
    name: machineName(reader, reader.required(fields, 'name', entry)),
    ...readReach(reader, word, { entry, fields, sources }),
    login: readLogin(reader, word, entry, fields),
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

function readReach(
  reader: SetupReader,
  kind: MachineKind,
  of: { readonly entry: Entry; readonly fields: Fields; readonly sources: SecretSources },
): SetupRequestReach {
  const { entry, fields, sources } = of;
  if (kind === 'docker') return readContainer(reader, entry, fields);
  if (kind === 'kubernetes') return readPod(reader, entry, fields);
  return readSsh(reader, entry, fields, sources);
}

/** A pod's has not to be said. */
function readLogin(reader: SetupReader, kind: MachineKind, entry: Entry, fields: Fields): string {
  const login = fields.get('login');
  if (kind === 'kubernetes' && login === undefined) return POD_LOGIN;
  return loginName(reader, reader.required(fields, 'login', entry));
}

type Ssh = Extract<SetupRequestReach, { readonly kind: 'ssh' }>;

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
