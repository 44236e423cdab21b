/** The part of errors.ts's catalogue about Kubernetes clusters. Where one is, and what it is called, is for the log. */
export const CLUSTER_ERRORS = {
  'cluster.setting': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'the cluster cannot be used: {reason}',
  },
  'cluster.unreachable': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'cannot reach the cluster: {reason}',
  },
  'cluster.refused': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the cluster refused: {reason}',
  },
  'cluster.no_pod': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'there is no pod {pod}',
  },
  'cluster.not_started': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the cluster could not start {program}: {reason}',
  },
} as const;
