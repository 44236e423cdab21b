import type { Config } from '../config/load.ts';
import { NodeGateway } from '../control/node-gateway.ts';
import { NodeLife } from '../control/node-life.ts';
import { NodeWatch } from '../control/node-watch.ts';
import { type Changes, LocalChanges } from '../domain/changes.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { migrateServer } from '../store/database.ts';
import { PostgresBus } from '../store/node-bus.ts';
import { openNodeStore } from '../store/nodes.ts';
import type { Closers } from './closers.ts';

/** What is known of all nodes' sessions. */
interface Ledger {
  readonly store: Store;
  readonly counters: Counters;
}

/** This node among those of its database. */
export interface Nodes {
  readonly changes: Changes;
  /** Settles, with the reason, when this node can be none any more. */
  readonly failed: Promise<string>;
  /**
   * The gateways of all nodes as one, where `here` is this node's and `held` are its sessions; from
   * now on the others are watched.
   */
  join(here: Gateway, held: () => readonly number[], over: Ledger): Gateway;
}

/** The embedded database serves one process. */
function alone(): Nodes {
  return {
    changes: new LocalChanges(),
    failed: new Promise(() => undefined),
    join: (here) => here,
  };
}

/**
 * Takes this node's name, before anything is done in it, on a database that is brought up to date.
 * Throws `node.taken` when another process has it, and `store.*`.
 */
export async function openNodes(
  config: Config,
  node: string,
  log: Logger,
  closers: Closers,
): Promise<Nodes> {
  if (config.databaseUrl === null) return alone();
  const databaseUrl = config.databaseUrl.expose();
  await migrateServer({ databaseUrl, dataDir: config.dataDir, log });
  const { pool, nodes, close } = await openNodeStore(databaseUrl, log);
  closers.add('the connection between the nodes', close);
  const life = new NodeLife({ node, nodes, log });
  await life.begin();
  closers.add("this node's name", () => life.end());
  const bus = new PostgresBus({ pool, node, log });
  closers.add('the bus between the nodes', () => bus.close());
  await bus.open();
  return {
    changes: bus,
    failed: life.failed,
    join(here, held, { store, counters }) {
      const watch = new NodeWatch({ node, store, counters, log });
      watch.begin(here, held);
      closers.add('watching the other nodes', () => watch.close());
      return new NodeGateway({ here, bus, node, sessions: store.sessions });
    },
  };
}
