import type { Config } from '../config/load.ts';
import { FollowedServices } from '../control/running-services.ts';
import { ServiceContainers } from '../control/service-containers.ts';
import { StackServices } from '../control/stack-services.ts';
import type { Changes } from '../domain/changes.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { Engines } from '../engine/engine.ts';
import { entryCheck } from '../targets/container-entry.ts';
import type { Closers } from './closers.ts';

/** The containers of stacks: as their engines answer when they are asked, and as they tell by themselves. */
export interface StackContainers {
  readonly services: StackServices;
  readonly running: FollowedServices;
  /** Those that sessions land in. */
  readonly containers: ServiceContainers;
}

/** Engines that stacks name are followed from now on. */
export function openStackContainers(
  config: Config,
  parts: {
    readonly store: Store;
    readonly changes: Changes;
    readonly log: Logger;
  },
  closers: Closers,
): StackContainers {
  const { store: stores, changes, log } = parts;
  const engines = new Engines({ certificates: config.engineCerts });
  const running = new FollowedServices({ stores, engines, log });
  running.begin(changes);
  closers.add('following container engines', () => running.close());
  const services = new StackServices(engines, running);
  const containers = new ServiceContainers(services, entryCheck(engines));
  return { running, services, containers };
}
