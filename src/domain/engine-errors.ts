/**
 * The part of errors.ts's catalogue about container engines. Where one is, who asked for it knows; of the others,
 * which users read too, that is for the log.
 */
export const ENGINE_ERRORS = {
  'engine.address': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: '{engine} is no address of a container engine: {reason}',
  },
  'engine.unreachable': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'cannot reach the container engine: {reason}',
  },
  'engine.refused': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the container engine refused: {reason}',
  },
  'engine.no_container': {
    api: 'NOT_FOUND',
    exit: 255,
    text: 'there is no container {container}',
  },
  'engine.not_running': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the container {container} does not run',
  },
  'engine.not_started': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the container engine could not start {program}: {reason}',
  },
} as const;
