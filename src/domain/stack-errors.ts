/**
 * What clients of container sessions read. The first five are the sentences of the Cloud 66 page word for
 * word, which its clients look for; see errors.ts.
 */
export const STACK_ERRORS = {
  'stack.permission': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Insufficient permissions - User lacks SSH key download permissions',
  },
  'stack.kind': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Invalid stack type - Stack is not container-based',
  },
  'stack.service': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Invalid service - Service not found in active rollout variant',
  },
  'stack.too_many': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Too many session open! - Maximum concurrent sessions exceeded',
  },
  'stack.not_created': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Invalid session - Session creation failed',
  },
  'stack.no_session': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'Invalid session - Session not found or inaccessible',
  },
  // What is said beside them
  'stack.unseen': { api: 'NOT_FOUND', exit: 255, text: 'no stack {stack} that you may see' },
  'stack.no_grant': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'no grant on stack {stack} in force allows you shell',
  },
  'stack.far': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'no grant on stack {stack} in force allows you shell from {address}',
  },
  'stack.nobody': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: "a session is somebody's: a token that has an owner is needed",
  },
  'stack.is_server': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'stack {stack} is of kind server',
  },
  'stack.no_service': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'stack {stack} has no service {service} with a running container',
  },
  'stack.unnamed_service': { api: 'BAD_REQUEST', exit: 255, text: 'service_name is needed' },
  'stack.full': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'service {service} of stack {stack} has {limit} sessions',
  },
  'stack.interrupted': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'the bastion went down while it was made',
  },
  'stack.overtaken': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'the session was ended before it was ready',
  },
  'stack.newer': {
    api: 'CONFLICT',
    exit: 255,
    text: 'a newer session: service {service} of stack {stack} has at most {limit}',
  },
  'container.token': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'the API token that this session was made with is not valid any more',
  },
  'container.over': {
    api: 'CONFLICT',
    exit: 255,
    text: 'this container session has ended, or is in use',
  },
} as const;
