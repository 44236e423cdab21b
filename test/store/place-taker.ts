/**
 * A process that opens the database of its first argument, says `ready`, and at a line on stdin takes
 * places in a service for all of some sessions at once; prints what it was answered.
 */
import { once } from 'node:events';
import { openStore } from '../../src/store/database.ts';
import { SECRET_KEY, silent } from './options.ts';

const [databaseUrl = '', service = '', limit = '', policy = '', ids = ''] = process.argv.slice(2);
const store = await openStore({
  ...{ databaseUrl, dataDir: '', secretKey: SECRET_KEY, migrate: false, log: silent },
});
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const answers = await Promise.all(
  ids.split(',').map(async (id) => {
    const sessionId = Number(id);
    const answer = await store.places.take({
      ...{ sessionId, service, limit: Number(limit) },
      policy: policy === 'reject' ? 'reject' : 'evict-oldest',
    });
    return [sessionId, answer];
  }),
);
process.stdout.write(`${JSON.stringify(answers)}\n`);
await store.close();
process.stdin.destroy();
