/** What those who wait for an approval, and those who decide on one, read; see errors.ts. */
export const APPROVAL_ERRORS = {
  'approval.waiting': {
    api: 'CONFLICT',
    exit: 255,
    text: 'waiting for approval by {by} (request {id}, {url})',
  },
  'approval.granted': { api: 'CONFLICT', exit: 255, text: 'request {id} was approved by {by}' },
  'approval.denied': { api: 'FORBIDDEN', exit: 255, text: 'request {id} was denied by {by}' },
  'approval.denied_because': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'request {id} was denied by {by}: {reason}',
  },
  'approval.expired': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'nobody decided on request {id} in time',
  },
  'approval.called_off': { api: 'CONFLICT', exit: 255, text: 'request {id} was called off' },
  'approval.too_many': {
    api: 'CONFLICT',
    exit: 255,
    text: 'you wait for {most} approvals already; call one off, or wait for it',
  },
  'approval.busy': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'too many requests wait for approval here; try again later',
  },
  'approval.apart': {
    api: 'CONFLICT',
    exit: 255,
    text: 'this needs an approval, and the session of this connection began without; use a connection of its own',
  },
  'approval.used': {
    api: 'CONFLICT',
    exit: 255,
    text: 'this approval has opened its session already',
  },
  'approval.closed': {
    api: 'CONFLICT',
    exit: 255,
    text: 'request {id} is not open any more: {status}',
  },
  'approval.own': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'request {id} is your own; somebody else has to decide on it',
  },
  'approval.not_approver': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'only {by} may decide on request {id}',
  },
} as const;
