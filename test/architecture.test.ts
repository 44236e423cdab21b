import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/**
 * What a room under src/ may import besides itself, `domain` and Node's own modules. The rooms that
 * cross (`app`, `cli`) may import anything. Libraries live in the rooms that
 * they are for; see ARCHITECTURE.md.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  config: ['yaml'],
  log: [],
  ssh: ['ssh2'],
  transfer: ['handoff'],
  proxy: ['ssh', 'ssh2', 'ipaddr.js', 'lean-qr', 'transfer'],
  sftp: ['transfer'],
  targets: ['ssh', 'ssh2', 'sftp'],
  demo: ['ssh', 'ssh2', '@lydell/node-pty'],
  engine: [],
  kube: ['@kubernetes/client-node', 'ws'],
  handoff: [],
  envelope: ['age-encryption'],
  recorder: ['handoff', 'envelope', 'replay'],
  replay: [],
  redact: ['replay'],
  alerts: ['redact'],
  outbound: [],
  analysis: ['replay', 'recorder', 'envelope'],
  archive: ['aws4fetch'],
  live: ['recorder', 'envelope', 'redact', 'replay', '@xterm/headless', '@xterm/addon-serialize'],
  ipc: [],
  client: [],
  store: ['kysely', 'pg', 'ioredis', '@electric-sql/pglite', '../migrations'],
  control: ['otpauth'],
  api: ['hono', '@hono/zod-openapi', '@hono/node-server', 'ws', 'zod'],
  web: ['hono', 'asciinema-player', 'lean-qr'],
};
const CROSSING = ['app', 'cli'];

const SRC = resolve(import.meta.dirname, '../src');
const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'|import\('([^']+)'\)/g;

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? '')
    .map((to) => (to.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), to)) : to));
}

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const graph = new Map(modules.map((file) => [file, importsOf(file)] as const));

/** `proxy/pipe.ts` -> `proxy`; `kysely/migration` -> `kysely`; `@hono/x/y` -> `@hono/x`. */
function head(path: string): string {
  const parts = path.split('/');
  return path.startsWith('@') || path.startsWith('../')
    ? parts.slice(0, 2).join('/')
    : (parts[0] ?? path);
}

/** The first import cycle reachable from `file`, as a path of modules, or null. */
function cycleFrom(file: string, path: readonly string[], done: Set<string>): string[] | null {
  if (path.includes(file)) return [...path, file];
  if (done.has(file)) return null;
  const next = (graph.get(file) ?? []).filter((to) => graph.has(to));
  const cycle = next.map((to) => cycleFrom(to, [...path, file], done)).find((found) => found);
  done.add(file);
  return cycle ?? null;
}

const inRooms = modules.filter((file) => file.includes('/') && !CROSSING.includes(head(file)));

test('the scan saw the source tree', () => {
  expect(modules.length).toBeGreaterThan(2);
  expect([...graph.values()].flat().length).toBeGreaterThan(2);
});

test.each(inRooms)('%s keeps to its room', (file) => {
  const room = head(file);
  const allowed = [room, 'domain', ...(MAY_IMPORT[room] ?? [])];
  const strangers = (graph.get(file) ?? []).filter((to) => {
    if (to.startsWith('node:')) return room === 'domain';
    return room === 'domain' ? head(to) !== 'domain' : !allowed.includes(head(to));
  });
  expect(strangers).toEqual([]);
});

test('no import cycles, type imports included', () => {
  const done = new Set<string>();
  expect(modules.map((file) => cycleFrom(file, [], done)).find((found) => found) ?? []).toEqual([]);
});

const ROOT = resolve(SRC, '..');

test.each([
  ['ARCHITECTURE.md', 'src', (name: string) => `\n  ${name}/ `],
  ['docs/README.md', 'docs', (name: string) => `(${name})`],
  ['docs/adr/README.md', 'docs/adr', (name: string) => `(${name})`],
])('%s names everything in %s', (page, directory, named) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const things = readdirSync(join(ROOT, directory), { withFileTypes: true }).filter((thing) =>
    directory === 'src' ? thing.isDirectory() : /^(?!README).*\.md$/.test(thing.name),
  );
  const unnamed = things.filter(({ name }) => !text.includes(named(name)));
  expect(unnamed.map(({ name }) => name)).toEqual([]);
});
