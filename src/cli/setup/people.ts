import { parsePublicKey } from '../../control/public-key.ts';
import { TOTP_POLICIES } from '../../domain/factor.ts';
import { isUserName, NAME_RULE } from '../../domain/names.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '../../domain/password.ts';
import { ROLES } from '../../domain/role.ts';
import type { SetupRequest } from '../../domain/setup.ts';
import type { Entry, SetupReader, Shape } from './reader.ts';
import { readRetention } from './retention.ts';
import { readSecret, type SecretSources } from './secrets.ts';

type WireUser = NonNullable<SetupRequest['users']>[number];
type WireGroup = NonNullable<SetupRequest['groups']>[number];

const USER: Shape = { known: ['name', 'email', 'role', 'keys', 'password', 'totp'] };
const GROUP: Shape = { known: ['name', 'members', 'retention'] };

const EMAIL = /^[^\s@\p{Cc}]{1,64}@[A-Za-z0-9.-]{1,189}$/u;

export function userName(reader: SetupReader, entry: Entry | undefined): string {
  return entry === undefined ? '' : reader.textThat(entry, isUserName, `is no name: ${NAME_RULE}`);
}

export function readUser(reader: SetupReader, entry: Entry, sources: SecretSources): WireUser {
  const fields = reader.map(entry, USER);
  const [email, password] = [fields.get('email'), fields.get('password')];
  return {
    name: userName(reader, reader.required(fields, 'name', entry)),
    email:
      email === undefined
        ? null
        : reader.textThat(email, (text) => EMAIL.test(text), 'is no e-mail address'),
    role: reader.word(fields.get('role'), ROLES, 'member'),
    keys: reader.list(fields.get('keys')).map((key) => readKey(reader, key)),
    password: password === undefined ? null : readPassword(reader, password, sources),
    totp: reader.word(fields.get('totp'), TOTP_POLICIES, 'optional'),
  };
}

function readKey(reader: SetupReader, entry: Entry): string {
  const line = reader.text(entry);
  if (line === null) return '';
  const key = parsePublicKey(line);
  if ('problem' in key) reader.refuse(entry, key.problem);
  return line.trim();
}

function readPassword(reader: SetupReader, entry: Entry, sources: SecretSources): string | null {
  const password = readSecret(reader, entry, sources);
  if (password === null) return null;
  if (password.length < MIN_PASSWORD) {
    reader.refuse(entry, `must have at least ${MIN_PASSWORD} characters`);
  } else if (Buffer.byteLength(password) > MAX_PASSWORD) {
    reader.refuse(entry, `must have at most ${MAX_PASSWORD} bytes`);
  }
  return password;
}

export function readGroup(reader: SetupReader, entry: Entry): WireGroup {
  const fields = reader.map(entry, GROUP);
  return {
    name: userName(reader, reader.required(fields, 'name', entry)),
    members: reader.list(fields.get('members')).map((member) => userName(reader, member)),
    retention: readRetention(reader, fields.get('retention')),
  };
}
