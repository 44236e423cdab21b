import type { EndPrograms } from '../../src/domain/entered-container.ts';
import type { PodPlace } from '../../src/domain/pod-place.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { Engines } from '../../src/engine/engine.ts';
import { KubeClusters } from '../../src/kube/clusters.ts';
import { leftProgramsEnder } from '../../src/targets/left-programs.ts';
import { PodTargets } from '../../src/targets/pod-target.ts';
import { listeningLog } from '../recorder/lab.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { APP } from '../support/image-root.ts';
import { startKubernetes, type TestKubernetes } from '../support/kubernetes.ts';
import { type Hears, notesFor } from './container-subject.ts';
import { routeTo } from './route.ts';

const signal = new AbortController().signal;

/** Pods `small-0` (busybox) and `large-0` (bash, as somebody) in the namespace `shop`, and the way to them. */
export class PodStage implements AsyncDisposable {
  readonly docker: TestDocker;
  readonly kubernetes: TestKubernetes;
  readonly clusters: KubeClusters;
  /** What ends programs in its pods. */
  readonly end: EndPrograms;

  constructor(docker: TestDocker, kubernetes: TestKubernetes) {
    this.docker = docker;
    this.kubernetes = kubernetes;
    const clusters = new KubeClusters({ kubeconfig: kubernetes.kubeconfig() });
    this.clusters = clusters;
    this.end = leftProgramsEnder({ engines: new Engines({ certificates: null }), clusters });
  }

  connect(
    place: Partial<PodPlace> & Pick<PodPlace, 'choice'>,
    clusters = this.clusters,
    hears: Hears = {},
  ): Promise<Upstream> {
    const targets = new PodTargets({ clusters, control: notesFor(hears), log: listeningLog() });
    const whole = { cluster: 'token', namespace: 'shop', container: null, shell: [] };
    const ticket = { sessionId: 1, credential: { type: 'none' as const }, hops: [] };
    return targets.connect(routeTo({ pod: { ...whole, ...place } }), ticket, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clusters.close();
    await this.kubernetes[Symbol.asyncDispose]();
    await this.docker[Symbol.asyncDispose]();
  }
}

export async function openPodStage(): Promise<PodStage> {
  const docker = await startDocker();
  try {
    await docker.run('small', { image: 'busybox' });
    await docker.run('large', { image: 'debian', more: ['--user', APP.name] });
    const kubernetes = await startKubernetes(docker);
    kubernetes.add({ namespace: 'shop', name: 'small-0', containers: { web: 'small' } });
    kubernetes.add({ namespace: 'shop', name: 'large-0', containers: { web: 'large' } });
    return new PodStage(docker, kubernetes);
  } catch (error) {
    await docker[Symbol.asyncDispose]();
    throw error;
  }
}
