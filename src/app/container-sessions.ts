import type { Config } from '../config/load.ts';
import { BackgroundContainerSessions } from '../control/container-sessions.ts';
import type { ServiceContainers } from '../control/service-containers.ts';
import { WaitingGateway } from '../control/waiting-gateway.ts';
import type { Changes } from '../domain/changes.ts';
import type { ContainerSessions } from '../domain/container-session.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import type { Logger } from '../domain/log.ts';
import type { Meters } from '../domain/meters.ts';
import type { Store } from '../domain/store.ts';
import type { Closers } from './closers.ts';

interface OpenedContainerSessions {
  /** Of all nodes, with the sessions that no gateway holds yet. */
  readonly gateway: Gateway;
  readonly containerSessions: ContainerSessions;
}

/** Sessions of containers, made and looked after by this node from now on. */
export function openContainerSessions(
  config: Config,
  parts: {
    readonly store: Store;
    readonly counters: Counters;
    readonly node: string;
    readonly changes: Changes;
    /** Of all nodes. */
    readonly gateway: Gateway;
    readonly containers: ServiceContainers;
    readonly plane: { readonly meters: Meters };
    readonly log: Logger;
  },
  closers: Closers,
): OpenedContainerSessions {
  const { meters } = parts.plane;
  const making = { ...parts, meters, waitMs: config.containerSessionTimeout };
  const containerSessions = new BackgroundContainerSessions(making);
  containerSessions.begin(parts.changes);
  closers.add('container sessions', () => containerSessions.close());
  const gateway = new WaitingGateway(parts.gateway, containerSessions);
  return { gateway, containerSessions };
}
