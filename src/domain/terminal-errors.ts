/** What who works at a terminal in the browser may read; see errors.ts. */
export const TERMINAL_ERRORS = {
  'terminal.nobody': {
    api: 'FORBIDDEN',
    exit: 255,
    text: "this token is nobody's, and a session needs a user: use a token of theirs",
  },
  'terminal.full': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'too many terminals here already (at most {limit}); try again later',
  },
  'terminal.too_many': {
    api: 'CONFLICT',
    exit: 255,
    text: 'you have {limit} terminals that nobody has opened; open one, or wait for them to expire',
  },
  'terminal.approval': {
    api: 'CONFLICT',
    exit: 255,
    text: '{words}; ask again once it is decided',
  },
  'terminal.code': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'access to {machine} needs a verification code: send it as code; who has no authenticator sets one up with ssh to {machine}',
  },
  'terminal.wrong_code': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'wrong verification code, or one that has been used',
  },
  'terminal.trial': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'only an approval would let you reach {machine}, so it cannot be tried out',
  },
  'terminal.gone': {
    api: 'CONFLICT',
    exit: 255,
    text: 'session {id} has no terminal here',
  },
  'terminal.revoked': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'the token or sign-in that this terminal was begun with is not valid any more',
  },
  'terminal.unused': { api: 'CONFLICT', exit: 255, text: 'nobody came to this terminal in time' },
  'terminal.token': {
    api: 'UNAUTHORIZED',
    exit: 255,
    text: "this is not this terminal's token, or it was used or has expired",
  },
  'terminal.late': {
    api: 'UNAUTHORIZED',
    exit: 255,
    text: 'there was no auth message within {seconds} s',
  },
  'terminal.message': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'a message cannot be understood: {problem}',
  },
  'terminal.no_socket': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'this is for a WebSocket',
  },
} as const;
