/**
 * Fills an empty PostgreSQL database of your own with a year of sessions and their audit, to try things at
 * scale on it. The last number is what bench/store.ts measures.
 *
 *   sh scripts/node.sh bench/seed-store.ts postgres://USER@HOST/DATABASE [SESSIONS] [EVENTS]
 */
import { argv, stdout } from 'node:process';
import pg from 'pg';
import type { Logger } from '../src/domain/log.ts';
import { migrateServer } from '../src/store/database.ts';
import { fillWithSessions } from '../test/support/many-sessions.ts';

const [, , databaseUrl = '', sessions = '1000000', events = '5000000'] = argv;

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

await migrateServer({ databaseUrl, dataDir: '', log: quiet });
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
try {
  const { rows } = await client.query('select 1 from sessions limit 1');
  if (rows.length > 0) throw new Error('there are sessions in it: give it an empty database');
  const begun = performance.now();
  const counts = { sessions: Number(sessions), events: Number(events) };
  await fillWithSessions(client, { ...counts, until: new Date() });
  const seconds = Math.round((performance.now() - begun) / 1000);
  stdout.write(`${sessions} sessions and ${events} events in ${seconds} s\n`);
} finally {
  await client.end();
}
