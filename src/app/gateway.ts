import type { ControlPlane } from '../domain/control-plane.ts';
import type { Logger } from '../domain/log.ts';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import type { SshManners } from '../domain/ssh-manners.ts';
import { Engines } from '../engine/engine.ts';
import { KubeClusters } from '../kube/clusters.ts';
import { SshGateway } from '../proxy/gateway.ts';
import { openRecorder } from '../recorder/recorder.ts';
import { machineAlgorithms, serverAlgorithms, type WorkingAlgorithms } from '../ssh/algorithms.ts';
import type { HostKey } from '../ssh/host-key.ts';
import { TargetsByKind } from '../targets/by-kind.ts';
import { DockerTargets } from '../targets/docker-target.ts';
import { PodTargets } from '../targets/pod-target.ts';
import { SshTargets } from '../targets/ssh-target.ts';
import { ThreadedObserver } from '../transfer/observer.ts';
import type { Closers } from './closers.ts';
import { readDoorFiles } from './door-files.ts';

export interface GatewayParts {
  readonly plane: ControlPlane;
  /** Absolute; see door-files.ts. */
  readonly dataDir: string;
  /** Absolute directory. */
  readonly recordings: string;
  /** Bytes; recorder/space.ts. */
  readonly minFree: number;
  /** The private key that recordings are sealed with, as PEM. */
  readonly sealingKey: string;
  /** Null: recordings are not encrypted. */
  readonly encryption: RecordingEncryption | null;
  readonly hostKey: HostKey;
  readonly working: WorkingAlgorithms;
  readonly manners: SshManners;
  /** Absolute; of the certificates for container engines behind TLS. Null: there are none. */
  readonly engineCerts: string | null;
  /** Absolute; null: there is no kubeconfig. */
  readonly kubeconfig: string | null;
  readonly log: Logger;
}

/**
 * The gateway: SSH in, SSH out, and the recorder between; in this process, whichever that is. Does
 * not listen yet.
 */
export async function openGateway(parts: GatewayParts, closers: Closers): Promise<SshGateway> {
  const { plane: control, hostKey, working, manners, log } = parts;
  const limits = manners.keyLife;
  const { recordings: root, minFree, sealingKey, encryption } = parts;
  const recorder = await openRecorder({ root, minFree, sealingKey, encryption, log });
  closers.add('the recorder', () => recorder.close());
  const observer = new ThreadedObserver({ log });
  closers.add('the observer', () => observer.close());
  const engines = new Engines({ certificates: parts.engineCerts });
  const clusters = new KubeClusters({ kubeconfig: parts.kubeconfig });
  closers.add('the clusters', () => clusters.close());
  const gateway = new SshGateway({
    control,
    connector: new TargetsByKind({
      ssh: new SshTargets({ control, algorithms: machineAlgorithms(working), limits, log }),
      docker: new DockerTargets({ engines, control, log }),
      kubernetes: new PodTargets({ clusters, control, log }),
    }),
    recorder,
    observer,
    log,
    hostKey,
    ...readDoorFiles(parts.dataDir),
    algorithms: serverAlgorithms(working, manners.clients),
    limits,
  });
  closers.add('the gateway', () => gateway.drain());
  return gateway;
}
