/**
 * A process that writes to the embedded database of the directory in its first argument until it is
 * killed, and prints the number of each event once it is stored.
 */
import { openStore } from '../../src/store/database.ts';
import { SECRET_KEY, silent } from './options.ts';

const store = await openStore({
  databaseUrl: null,
  dataDir: process.argv[2] ?? '',
  secretKey: SECRET_KEY,
  migrate: true,
  log: silent,
});

for (let number = 1; ; number++) {
  await store.transaction(async ({ audit }) => {
    for (const half of [1, 2]) {
      await audit.append({
        at: new Date(),
        type: 'server.started',
        actor: null,
        userId: number,
        machineId: half,
        sessionId: null,
        source: null,
        detail: {},
      });
    }
  });
  process.stdout.write(`${number}\n`);
}
