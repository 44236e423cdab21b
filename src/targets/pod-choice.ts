import type { Cluster, Pod, PodContainer } from '../domain/cluster.ts';
import { PosternError } from '../domain/errors.ts';
import { type PodPlace, podText } from '../domain/pod-place.ts';

export interface ChosenPod {
  readonly pod: Pod;
  readonly container: PodContainer;
}

/**
 * The running container that a machine stands for now. Throws PosternError `machine.unreachable` when
 * there is none.
 */
export async function chosenPod(
  cluster: Cluster,
  machine: string,
  place: PodPlace,
): Promise<ChosenPod> {
  const { namespace, choice } = place;
  const unreachable = (reason: string, cause?: unknown): PosternError =>
    new PosternError('machine.unreachable', { machine, reason }, { cause });
  try {
    const pod =
      'pod' in choice
        ? await cluster.pod(namespace, choice.pod)
        : bestOf(await cluster.pods(namespace, choice.selector));
    if (pod === null) throw unreachable(`there is no pod ${podText(place)}`);
    const known = { namespace, choice: { pod: pod.name } };
    if (pod.leaving) throw unreachable(`the pod ${podText(known)} is being deleted`);
    const found = containerIn(pod, place.container);
    if (typeof found === 'string') throw unreachable(`the pod ${podText(known)} ${found}`);
    return { pod, container: found };
  } catch (error) {
    const isCluster = error instanceof PosternError && error.code.startsWith('cluster.');
    throw isCluster ? unreachable(error.message, error) : error;
  }
}

/** Those on their way out come last, so that it is said that they are; null: there are none. */
function bestOf(pods: readonly Pod[]): Pod | null {
  const [best] = pods.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      b.createdAt.getTime() - a.createdAt.getTime() ||
      (a.name < b.name ? -1 : 1),
  );
  return best ?? null;
}

function rank({ leaving, ready, phase }: Pod): number {
  if (leaving) return 3;
  if (ready) return 0;
  return phase === 'Running' ? 1 : 2;
}

/** A string: what is wrong with it. */
function containerIn(pod: Pod, wanted: string | null): PodContainer | string {
  const name = wanted ?? pod.defaultContainer ?? pod.containers[0]?.name ?? '';
  const found = pod.containers.find((one) => one.name === name);
  if (found === undefined) {
    const names = pod.containers.map((one) => one.name).join(', ');
    return `has no container ${name}: there are ${names}`;
  }
  if (found.running) return found;
  const why = found.reason === '' ? '' : `, ${found.reason}`;
  return `is ${pod.phase}${why}: its container ${name} does not run`;
}
