/** The part of errors.ts's catalogue about machines: reaching them, logging in to them. */
export const MACHINE_FAILURES = {
  'machine.kind': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: '{machine} is of kind {kind}, which this version cannot reach',
  },
  'machine.unreachable': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'cannot reach {machine}: {reason}',
  },
  'machine.auth': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} did not accept the stored credentials for {login}',
  },
  'machine.certificate': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} did not accept a certificate for {login}; it must trust the key that "postern ca show" prints',
  },
  'machine.no_agent': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: '{machine} is logged in to with the keys of your own agent, and you have not forwarded it: ssh -A',
  },
  'machine.agent_silent': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} is logged in to with the keys of your own agent, and it gave none',
  },
  'machine.agent': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} accepted none of the keys of your agent for {login}',
  },
  'machine.no_desk': {
    api: 'FORBIDDEN',
    exit: 255,
    text: '{machine} does not take {capability}',
  },
  'machine.host_key': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the host key of {machine} has changed: pinned {expected}, offered {found}. Not connected. An admin can accept the new key',
  },
  'machine.host_key_unknown': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} has no pinned host key, and its policy is not to trust a new one ({found})',
  },
  'machine.refused': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: '{machine} refused the request: {reason}',
  },
  'machine.jump': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'there is no way to {machine}: its jump {reason}',
  },
  'machine.stopped': { api: 'UNAVAILABLE', exit: 255, text: '{machine} was stopped' },
  'machine.lost': { api: 'UNAVAILABLE', exit: 255, text: 'the connection to {machine} was lost' },
} as const;
