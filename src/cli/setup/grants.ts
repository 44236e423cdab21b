import { CAPABILITIES } from '../../domain/capability.ts';
import { isForwardTo } from '../../domain/forward.ts';
import type { SetupRequestGrant } from '../../domain/setup.ts';
import { loginName, machineName } from './machines.ts';
import { userName } from './people.ts';
import type { Entry, SetupReader, Shape } from './reader.ts';
import {
  DURATION_RULE,
  FORWARD_RULE,
  NETWORK_RULE,
  parseDuration,
  parseNetwork,
  parseTag,
  parseTime,
  TIME_RULE,
} from './values.ts';

const GRANT: Shape = {
  known: [
    'to',
    'on',
    'logins',
    'allow',
    'forward_to',
    'from_networks',
    'until',
    'max_session',
    'idle_timeout',
    'mfa',
    'end_on_alert',
    'shell_integration',
    'approval',
  ],
};

export function readGrant(reader: SetupReader, entry: Entry): SetupRequestGrant {
  const fields = reader.map(entry, GRANT);
  const allow = reader.required(fields, 'allow', entry);
  return {
    to: readTo(reader, reader.required(fields, 'to', entry)),
    on: readOn(reader, reader.required(fields, 'on', entry)),
    logins: reader.list(fields.get('logins')).map((login) => loginName(reader, login)),
    allow: reader.list(allow).map((each) => reader.word(each, CAPABILITIES, 'shell')),
    forward_to: reader
      .list(fields.get('forward_to'))
      .map((each) => reader.textThat(each, isForwardTo, FORWARD_RULE)),
    from_networks: reader
      .list(fields.get('from_networks'))
      .map((each) => parsed(reader, each, parseNetwork, NETWORK_RULE) ?? ''),
    until: parsed(reader, fields.get('until'), parseTime, TIME_RULE),
    max_session: parsed(reader, fields.get('max_session'), parseDuration, DURATION_RULE),
    idle_timeout: parsed(reader, fields.get('idle_timeout'), parseDuration, DURATION_RULE),
    mfa: reader.yes(fields.get('mfa')),
    end_on_alert: reader.yes(fields.get('end_on_alert')),
    shell_integration: reader.yes(fields.get('shell_integration')),
    approval: readApproval(reader, fields.get('approval')),
  };
}

/** What `parse` makes of a text; null when it is not there, or refused with `rule`. */
function parsed<Value>(
  reader: SetupReader,
  entry: Entry | undefined,
  parse: (text: string) => Value | null,
  rule: string,
): Value | null {
  if (entry === undefined) return null;
  return parse(reader.textThat(entry, (text) => parse(text) !== null, rule));
}

/** The one field of a map of exactly one. */
function only(reader: SetupReader, entry: Entry, shape: Shape): readonly [string, Entry] | null {
  const before = reader.problems.length;
  const [one, ...others] = [...reader.map(entry, shape)];
  if (one !== undefined && others.length === 0) return one;
  if (reader.problems.length === before) {
    reader.refuse(entry, `must have exactly one of ${shape.known.join(' and ')}`);
  }
  return null;
}

/** Null: nobody has to approve. */
function readApproval(
  reader: SetupReader,
  entry: Entry | undefined,
): NonNullable<SetupRequestGrant['approval']> | null {
  if (entry === undefined) return null;
  const fields = reader.map(entry, { known: ['by'] });
  return { by: readTo(reader, reader.required(fields, 'by', entry)) };
}

function readTo(reader: SetupReader, entry: Entry | undefined): SetupRequestGrant['to'] {
  const to = entry === undefined ? null : only(reader, entry, { known: ['user', 'group'] });
  if (to === null) return { user: '' };
  const name = userName(reader, to[1]);
  return to[0] === 'user' ? { user: name } : { group: name };
}

function readOn(reader: SetupReader, entry: Entry | undefined): SetupRequestGrant['on'] {
  const shape = { known: ['machine', 'tag', 'stack'] };
  const on = entry === undefined ? null : only(reader, entry, shape);
  if (on === null) return { machine: '' };
  if (on[0] === 'machine') return { machine: machineName(reader, on[1]) };
  if (on[0] === 'stack') return { stack: machineName(reader, on[1]) };
  const tag = parsed(reader, on[1], parseTag, 'is no tag: write NAME=VALUE, as env=prod');
  return { tag: tag ?? { key: '', value: '' } };
}
