import { OVER_LIMIT_POLICIES } from '../../domain/place.ts';
import { RECORDING_POLICIES } from '../../domain/recording.ts';
import type { SetupRequestStack } from '../../domain/setup.ts';
import {
  COMPOSE_LABELS,
  MOST_SESSIONS,
  SESSION_LIMIT,
  STACK_KINDS,
  type StackKind,
} from '../../domain/stack.ts';
import { readEngine } from './containers.ts';
import { loginName, machineName } from './machines.ts';
import type { Entry, SetupReader, Shape } from './reader.ts';

const STACK: Shape = {
  known: [
    'name',
    'kind',
    'engine',
    'compose_project',
    'labels',
    'login',
    'recording',
    'session_limit',
    'over_limit',
  ],
};

/** Of a container; what else there is, a grant may allow. */
const LOGIN = 'root';

/** Whether the engine answers, the server finds out when somebody asks for its services. */
export function readStack(reader: SetupReader, entry: Entry): SetupRequestStack {
  const fields = reader.map(entry, STACK);
  const name = machineName(reader, reader.required(fields, 'name', entry));
  const kind = reader.word(fields.get('kind'), STACK_KINDS, 'container');
  const limit = fields.get('session_limit');
  const login = fields.get('login');
  const labels = fields.get('labels');
  const label = labels === undefined ? null : reader.map(labels, { known: ['stack', 'service'] });
  return {
    name,
    kind,
    engine: engineOf(reader, entry, fields.get('engine'), kind),
    project: labelOf(reader, fields.get('compose_project'), name),
    stack_label: labelOf(reader, label?.get('stack'), COMPOSE_LABELS.stack),
    service_label: labelOf(reader, label?.get('service'), COMPOSE_LABELS.service),
    login: login === undefined ? LOGIN : loginName(reader, login),
    recording: reader.word(fields.get('recording'), RECORDING_POLICIES, 'required'),
    session_limit:
      (limit === undefined ? null : reader.number(limit, 1, MOST_SESSIONS)) ?? SESSION_LIMIT,
    over_limit: reader.word(fields.get('over_limit'), OVER_LIMIT_POLICIES, 'evict-oldest'),
  };
}

function engineOf(
  reader: SetupReader,
  stack: Entry,
  entry: Entry | undefined,
  kind: StackKind,
): string | null {
  if (kind === 'container' && entry === undefined) reader.refuse(stack, 'lacks engine');
  if (entry === undefined) return null;
  if (kind === 'server') reader.refuse(entry, 'cannot be given: a stack of kind server has none');
  return readEngine(reader, entry);
}

function labelOf(reader: SetupReader, entry: Entry | undefined, fallback: string): string {
  if (entry === undefined) return fallback;
  const fits = (text: string): boolean => /^[^\p{Cc}]{1,200}$/u.test(text);
  return reader.textThat(entry, fits, 'must have 1 to 200 characters');
}
