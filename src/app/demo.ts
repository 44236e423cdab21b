import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';
import { parsePublicKey } from '../control/public-key.ts';
import { type DemoMachine, startDemoMachine } from '../demo/machine.ts';
import { demoSetup, type Visitor, welcomeVisitor } from '../demo/visitor.ts';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import type { Logger } from '../domain/log.ts';
import { Secret } from '../domain/secret.ts';
import type { SetupApplier } from '../domain/setup.ts';
import type { Store } from '../domain/store.ts';
import { serverAlgorithms, type WorkingAlgorithms } from '../ssh/algorithms.ts';
import type { Closers } from './closers.ts';

/** How long the printed sign-in link is good for, in milliseconds. */
const LINK_MS = 60 * 60 * 1000;

/** What `--demo` adds: a machine to reach, somebody to reach it, and a way into the console. */
export interface DemoParts {
  readonly visitor: Visitor;
  /** A path of the console that signs the visitor in, once. */
  readonly signInPath: string;
}

/**
 * A data directory belongs to the demo or to a real set-up, from its first start on: the demo's user
 * has a shell on this host, which a real set-up must not inherit, nor ever get. Throws otherwise.
 */
export function claimDataDir(dataDir: string, demo: boolean): void {
  const marker = join(dataDir, 'demo');
  const used = existsSync(join(dataDir, 'node-id'));
  if (demo && used && !existsSync(marker)) {
    throw new Error(
      `POSTERN_DATA_DIR: ${dataDir} holds a set-up that is not a demo; give --demo a directory of its own`,
    );
  }
  if (!demo && existsSync(marker)) {
    throw new Error(
      `POSTERN_DATA_DIR: ${dataDir} was made by --demo, whose user has a shell on this host; choose another directory, or keep --demo`,
    );
  }
  if (demo) mkdirSync(marker, { recursive: true, mode: 0o700 });
}

export async function openDemoMachine(
  config: Config,
  working: WorkingAlgorithms,
  log: Logger,
  closers: Closers,
): Promise<DemoMachine> {
  const algorithms = serverAlgorithms(working);
  const machine = await startDemoMachine({ dataDir: config.dataDir, log, algorithms });
  closers.add('the demo machine', () => machine.close());
  return machine;
}

/** Tells the store of the demo's machine and user, and makes the way into the console. */
export async function openDemo(
  config: Config,
  control: { readonly store: Store; readonly setup: SetupApplier },
  machine: DemoMachine,
  bastion: { readonly host: string; readonly port: number; readonly hostKeyLine: string },
): Promise<DemoParts> {
  const visitor = welcomeVisitor(join(config.dataDir, 'demo'), bastion);
  const key = parsePublicKey(visitor.publicLine);
  if ('problem' in key) throw new Error(`the demo's own key cannot be read: ${key.problem}`);
  const setup = demoSetup(visitor, key, machine, {
    type: 'key',
    privateKey: new Secret(machine.privateKey),
  });
  await control.setup.apply(setup, {
    dryRun: false,
    prune: false,
    actor: 'serve --demo',
    source: null,
  });
  return { visitor, signInPath: await signInPath(control.store, visitor.user) };
}

async function signInPath(store: Store, userName: string): Promise<string> {
  const user = await store.users.getByName(userName);
  if (user === null) throw new Error("the demo's user is not there");
  const link = newBearer();
  const expiresAt = new Date(Date.now() + LINK_MS);
  await store.tokens.createSignIn({ hash: await hashBearer(link), userId: user.id, expiresAt });
  return `/signin/${link}`;
}
