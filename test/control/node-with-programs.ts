/**
 * A process that lives as a node on the database of its first argument, begins a program of a session in a
 * container, says `ready`, and goes on until it is killed.
 */
import { NodeLife } from '../../src/control/node-life.ts';
import { openStore } from '../../src/store/database.ts';
import { SECRET_KEY, silent } from '../store/options.ts';
import { beginProgram } from './programs-of-node.ts';

const [databaseUrl = '', node = '', sessionId = '', engine = '', container = '', word = ''] =
  process.argv.slice(2);
const store = await openStore({
  ...{ databaseUrl, dataDir: '', secretKey: SECRET_KEY, migrate: false, log: silent },
});
await new NodeLife({ node, nodes: store.nodes, log: silent }).begin();
await beginProgram(store, { sessionId: Number(sessionId), engine, container, word });
process.stdout.write('ready\n');
