import { ApiException, CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { Pod, PodContainer } from '../domain/cluster.ts';
import { printable } from '../domain/log.ts';
import { ClusterFailure, unreachable } from './failure.ts';
import { messageOf } from './status.ts';

/** The most pods that are looked at: of those that run, and of others, which only say why none does. */
const MOST = { running: 500, others: 20 } as const;

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** Null: there is none. Rejects with ClusterFailure. */
export async function readPod(
  config: KubeConfig,
  namespace: string,
  name: string,
): Promise<Pod | null> {
  try {
    return podOf(await config.makeApiClient(CoreV1Api).readNamespacedPod({ namespace, name }));
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return null;
    throw failureOf(error);
  }
}

/**
 * Those in the phase `Running`; where there are none, some of the others. A cluster keeps thousands of pods that
 * were evicted or have finished, with the labels that they had. Rejects with ClusterFailure.
 */
export async function listPods(
  config: KubeConfig,
  namespace: string,
  labelSelector: string,
): Promise<readonly Pod[]> {
  const about = { namespace, labelSelector };
  try {
    const api = config.makeApiClient(CoreV1Api);
    const fieldSelector = 'status.phase=Running';
    const running = await api.listNamespacedPod({ ...about, fieldSelector, limit: MOST.running });
    if (running.items.length > 0) return running.items.map(podOf);
    const others = await api.listNamespacedPod({ ...about, limit: MOST.others });
    return others.items.map(podOf);
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): ClusterFailure {
  if (error instanceof ApiException) {
    const said = messageOf(typeof error.body === 'string' ? error.body : '');
    return new ClusterFailure('refused', printable(said || `HTTP status ${error.code}`, 300));
  }
  // `fetch failed` says nothing; what it failed of does.
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return unreachable(cause);
}

function podOf(pod: V1Pod): Pod {
  const { metadata, spec, status } = pod;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    phase: status?.phase ?? 'Unknown',
    ready,
    leaving: metadata?.deletionTimestamp !== undefined,
    createdAt: new Date(metadata?.creationTimestamp ?? 0),
    defaultContainer: metadata?.annotations?.[DEFAULT_CONTAINER] ?? null,
    containers: (spec?.containers ?? []).map(({ name }) => containerOf(pod, name)),
  };
}

function containerOf({ status }: V1Pod, name: string): PodContainer {
  const known = status?.containerStatuses?.find((one) => one.name === name);
  const { running, waiting, terminated } = known?.state ?? {};
  return {
    name,
    id: known?.containerID ?? '',
    running: running !== undefined,
    reason: printable(waiting?.reason ?? terminated?.reason ?? '', 100),
  };
}
