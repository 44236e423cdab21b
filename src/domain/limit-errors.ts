/** What a user reads of what its grant or machine lays down, mostly when a session ends by it; see errors.ts. */
export const LIMIT_ERRORS = {
  'access.account': { api: 'FORBIDDEN', exit: 255, text: 'your account was disabled or removed' },
  'access.proof': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'the key, certificate or password that you signed in with is not valid any more',
  },
  'access.removed': { api: 'NOT_FOUND', exit: 255, text: 'machine {machine} was removed' },
  'access.revoked': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'your access to {machine} was taken back',
  },
  'access.withdrawn': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'you may not use {capability} on {machine} any more',
  },
  'session.too_long': {
    api: 'CONFLICT',
    exit: 255,
    text: 'this session reached the longest time that the grant allows',
  },
  'session.idle_soon': {
    api: 'CONFLICT',
    exit: 255,
    text: 'nothing has happened here for a while; this session ends in one minute',
  },
  'session.shell_integration': {
    api: 'CONFLICT',
    exit: 255,
    text: 'shell integration ({shell}) is put in by the policy of {machine}',
  },
  'session.idle': { api: 'CONFLICT', exit: 255, text: 'this session was idle for too long' },
} as const;
