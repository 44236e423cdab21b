import { childEnvironment } from '../config/environment.ts';
import type { Config } from '../config/load.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { GatewayLoad, ProcessLoad } from '../domain/load.ts';
import type { RepairRecording } from '../domain/recording.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';
import { startWorkers } from '../ipc/workers.ts';
import { loadHostKey } from '../ssh/host-key.ts';
import type { Closers } from './closers.ts';
import { type GatewayParts, openGateway } from './gateway.ts';

/** The gateway, wherever it runs. */
export interface OpenedGateway {
  readonly gateway: Gateway;
  readonly terminals: WebTerminals;
  /** What the processes take that it runs in, by their names; `here` is this one. */
  readonly loads: (here: ProcessLoad) => ReadonlyMap<string, GatewayLoad>;
  /** Where it listens. */
  readonly ssh: { readonly host: string; readonly port: number };
  /** Settles, with the reason, when it is lost for good: the server is to stop. */
  readonly failed: Promise<string>;
}

/** What a gateway is made of, wherever it runs. */
type AnywhereParts = Omit<GatewayParts, 'hostKey'> & {
  /** The host key, as PEM. */
  readonly privateKey: string;
};

/** Opens the gateway where the settings want it: in processes of its own, or in this one. */
export function openGatewayAnywhere(
  config: Config,
  parts: AnywhereParts,
  repair: RepairRecording,
  closers: Closers,
): Promise<OpenedGateway> {
  return config.workers > 0
    ? openWorkers(config, parts, repair, closers)
    : openGatewayHere(config, parts, closers);
}

/** In this process. */
async function openGatewayHere(
  config: Config,
  { privateKey, ...parts }: AnywhereParts,
  closers: Closers,
): Promise<OpenedGateway> {
  const gateway = await openGateway({ ...parts, hostKey: loadHostKey(privateKey) }, closers);
  const { host, port } = config.sshListen;
  const ssh = await gateway.listen(host, port);
  const loads = (control: ProcessLoad) =>
    new Map([['control', { ...control, recorderQueue: gateway.recorderQueue }]]);
  return {
    gateway,
    terminals: gateway.terminals,
    loads,
    ssh,
    failed: new Promise(() => undefined),
  };
}

/** In processes of its own. */
async function openWorkers(
  config: Config,
  parts: AnywhereParts,
  repair: RepairRecording,
  closers: Closers,
): Promise<OpenedGateway> {
  const { recordings, minFree, sealingKey, encryption, working, manners } = parts;
  const { privateKey, plane, log } = parts;
  const failed = Promise.withResolvers<string>();
  const workers = await startWorkers({
    count: config.workers,
    entry: new URL('./gateway-process.ts', import.meta.url),
    env: childEnvironment(),
    settings: {
      listen: config.sshListen,
      hostKey: privateKey,
      working,
      manners,
      engineCerts: parts.engineCerts,
      kubeconfig: parts.kubeconfig,
      dataDir: config.dataDir,
      recordings,
      minFree,
      sealingKey,
      encryption,
      log: { level: config.logLevel, format: config.logFormat },
    },
    plane,
    repair,
    log,
    onLost: failed.resolve,
  });
  closers.add('the workers', () => workers.drain());
  const { terminals, address: ssh } = workers;
  return { gateway: workers, terminals, loads: () => workers.loads, ssh, failed: failed.promise };
}
