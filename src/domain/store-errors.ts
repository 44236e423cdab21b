import type { CatalogueEntry } from './error-entry.ts';

/** The part of the catalogue that is about the database, the counters and what they keep. */
export const STORE_ERRORS = {
  'store.down': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the database does not answer; try again later',
  },
  'store.url': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'DATABASE_URL is not a PostgreSQL URL; it looks like postgres://user:password@host:5432/name',
  },
  'store.unreachable': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'DATABASE_URL: cannot use {where}: {reason}',
  },
  'store.version': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'DATABASE_URL: PostgreSQL 13 or newer is needed, and {where} is {found}',
  },
  'store.in_use': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the data directory {dir} is in use by another postern',
  },
  'store.data_dir': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the data directory {dir} cannot be used: {reason}',
  },
  'store.embedded': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the embedded database in {dir} cannot be opened: {reason}',
  },
  'store.schema': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the database could not be brought to this version of Postern: {reason}',
  },
  'store.behind': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the database lacks {pending}; run: postern migrate',
  },
  'node.taken': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'another postern runs as this node, {node}; each needs a data directory of its own, and a copied one must lose its file node-id',
  },
  'node.running': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the database is in use by running nodes ({nodes}); stop them first',
  },
  'counters.url': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'REDIS_URL is not a Redis URL; it looks like redis://host:6379 or rediss://user:password@host:6379/0',
  },
  'counters.down': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the counters do not answer; try again later',
  },
  'vault.other_key': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the credentials of machine {machine} were stored under another POSTERN_SECRET_KEY',
  },
  'vault.stuck': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'what is stored for {place} opens with none of the keys; set it again or remove it first',
  },
  'vault.damaged': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the stored credentials of machine {machine} are damaged; set them again',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
