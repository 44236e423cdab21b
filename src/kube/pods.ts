import { ApiException, CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { Pod, PodContainer } from '../domain/cluster.ts';
import { printable } from '../domain/log.ts';
import { ClusterFailure, unreachable } from './failure.ts';
import { messageOf } from './status.ts';

/** The most pods that are looked at. */
const MOST = 500;

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

/** Rejects with ClusterFailure. */
export async function listPods(
  config: KubeConfig,
  namespace: string,
  labelSelector: string,
): Promise<readonly Pod[]> {
  try {
    const api = config.makeApiClient(CoreV1Api);
    const list = await api.listNamespacedPod({ namespace, labelSelector, limit: MOST });
    return list.items.map(podOf);
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
