import { once } from 'node:events';
import { ContainerVisits } from '../../src/control/container-visits.ts';
import { Outbox } from '../../src/control/outbox.ts';
import type { Stores } from '../../src/domain/store.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { Engines } from '../../src/engine/engine.ts';
import { DockerTargets } from '../../src/targets/docker-target.ts';
import { silent } from '../store/options.ts';
import { routeTo } from '../targets/route.ts';

/** Where a session has a program. */
export interface Held {
  readonly sessionId: number;
  /** Its engine's address. */
  readonly engine: string;
  /** By name. */
  readonly container: string;
  /** How long the program sleeps, in seconds: what it is known by. */
  readonly word: string;
}

/** A program of a session, as its node begins it. */
export async function beginProgram(
  stores: Pick<Stores, 'enteredContainers'>,
  { sessionId, engine, container, word }: Held,
): Promise<Upstream> {
  const visits = new ContainerVisits(stores, new Outbox(silent));
  const control = { enterContainer: visits.enter, leaveContainer: visits.leave };
  const engines = new Engines({ certificates: null });
  const targets = new DockerTargets({ engines, control, log: silent });
  const place = { engine, choice: { name: container }, shell: [] };
  const ticket = { sessionId, credential: { type: 'none' as const }, hops: [] };
  const { signal } = new AbortController();
  const upstream = await targets.connect(routeTo({ container: place }), ticket, signal);
  const program = { type: 'exec', command: `echo here; exec sleep ${word}` } as const;
  const { stdout, stderr } = await upstream.open({ program, pty: null, env: [] });
  stderr.resume();
  await once(stdout, 'data');
  return upstream;
}
