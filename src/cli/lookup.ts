import { formatId, type IdKind, parseId } from '../domain/ids.ts';
import { printable } from '../domain/log.ts';
import type { ApiClient } from './api-client.ts';
import { CommandFailure } from './shell.ts';
import { textAt } from './wire.ts';

/** The lists in which names are looked up, and the most rows that are looked at. */
const LISTS = {
  usr: { path: '/v1/users', key: 'users', word: 'user', search: true },
  mch: { path: '/v1/machines', key: 'machines', word: 'machine', search: true },
  grp: { path: '/v1/groups', key: 'groups', word: 'group', search: false },
  alr: { path: '/v1/alert-rules', key: 'alert_rules', word: 'alert rule', search: false },
  ca: {
    path: '/v1/certificate-authorities',
    key: 'certificate_authorities',
    word: 'certificate authority',
    search: false,
  },
} as const;
const MOST = 10_000;

/**
 * An id with or without its prefix, as it stands in a path. Throws when it is none; `otherwise` says what
 * may be written besides.
 */
export function idOf(kind: IdKind, text: string, otherwise = ''): string {
  const id = parseId(kind, text);
  if (id === null) {
    throw new CommandFailure(
      2,
      `"${printable(text, 60)}" is no id: write ${formatId(kind, 12)} or 12${otherwise}`,
    );
  }
  return formatId(kind, id);
}

/** The id of what is named; what reads as an id of this kind is one. */
export async function idOfNamed(
  api: ApiClient,
  kind: keyof typeof LISTS,
  text: string,
): Promise<string> {
  const id = parseId(kind, text);
  if (id !== null) return formatId(kind, id);
  const { path, key, word, search } = LISTS[kind];
  const found = await api.list(path, key, search ? { search: text } : {}, MOST);
  const same = found.find((row) => textAt(row, 'name') === text);
  const named = textAt(same, 'id');
  if (named === null) throw new CommandFailure(1, `no ${word} ${printable(text, 80)}`);
  return named;
}
