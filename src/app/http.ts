import { getConnInfo } from '@hono/node-server/conninfo';
import { consoleActions } from '../api/for-console.ts';
import { listenHttp } from '../api/listen.ts';
import { createApi } from '../api/server.ts';
import { TerminalRoom } from '../api/terminal-room.ts';
import { readVersion } from '../cli/version.ts';
import type { Config } from '../config/load.ts';
import { plainAddress } from '../control/network.ts';
import { parsePublicKey } from '../control/public-key.ts';
import { RetentionSweep } from '../control/retention.ts';
import { SessionFeed } from '../control/session-feed.ts';
import type { Logger } from '../domain/log.ts';
import { LiveThread } from '../live/live.ts';
import { SpaceWatch } from '../recorder/space.ts';
import { createConsole } from '../web/console.ts';
import type { Addresses } from './addresses.ts';
import type { Closers } from './closers.ts';
import { openContainerSessions } from './container-sessions.ts';
import type { Control } from './control.ts';
import type { OpenedGateway } from './gateway-place.ts';
import { listening } from './listening.ts';
import { openMetrics } from './metrics.ts';

/** Opens the API and the console over the rest; settles with their address. */
export async function openHttp(
  config: Config,
  control: Control,
  { loads, terminals, ...bastion }: Pick<OpenedGateway, 'gateway' | 'terminals' | 'loads'>,
  addresses: Addresses,
  log: Logger,
  closers: Closers,
): Promise<string> {
  const { changes } = control.nodes;
  const held = openContainerSessions(config, { ...control, ...bastion, changes, log }, closers);
  control.reading.alertsEndBy(held.gateway);
  // The gateway has its own, and logs.
  const space = await SpaceWatch.open({
    root: config.recordings,
    least: config.minFree,
    log: null,
  });
  const library = control.reading.recordings;
  const retention = new RetentionSweep({
    ...{ store: control.store, node: control.node, library, log, clock: () => new Date() },
    retention: { age: config.retention, size: config.retentionSize },
  });
  closers.begin('deleting old recordings', retention);
  const { keys } = control.kept.crypto;
  const { rules } = control.reading;
  const live = new LiveThread({ root: config.recordings, rules, keys }, log);
  closers.add('following recordings', () => live.close());
  const events = new SessionFeed({ sessions: control.store.sessions, changes, log });
  closers.add('events of sessions', () => events.close());
  const deps = {
    ...control,
    ...{ live, events, changes },
    ...{ ...held, terminals },
    room: new TerminalRoom(terminals, log),
    ...control.reading,
    retention,
    space: () => space.state,
    ...openMetrics(
      config,
      { version: readVersion(), control, loads, space: () => space.state },
      closers,
    ),
    parsePublicKey,
    log,
    version: readVersion(),
    publicUrl: () => addresses.url,
    requestsPerMinute: config.apiRate,
    publicSsh: () => addresses.ssh,
    clock: () => new Date(),
    jumpHostKey: (id: number) => control.jumpKeys.of(id).publicLine,
    hostAuthority: control.jumpKeys.authority,
    clientAddress: (context: Parameters<typeof getConnInfo>[0]) =>
      plainAddress(getConnInfo(context).remote.address ?? ''),
  };
  closers.add('watching the room for recordings', () => space.close());
  const app = createApi(deps);
  app.route(
    '/',
    createConsole({ ...deps, factors: control.plane.factors, ...consoleActions(deps) }),
  );
  const http = await listening('POSTERN_HTTP_LISTEN', config.httpListen, () =>
    listenHttp({ fetch: app.fetch, ...config.httpListen }),
  );
  closers.add('HTTP', () => http.close());
  // Before it, so that their users are told why.
  closers.add('terminals in browsers', () => deps.room.close());
  return `http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}`;
}
