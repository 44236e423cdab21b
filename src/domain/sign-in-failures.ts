/** The part of errors.ts's catalogue about signing in with more than one factor. */
export const SIGN_IN_FAILURES = {
  'vault.totp': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the second factor of {user} cannot be read with this POSTERN_SECRET_KEY; take it away for a new one: postern user totp reset {user}',
  },
  'access.mfa': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'access to {machine} needs a verification code, which this connection did not give: connect anew, naming {machine}, and you are asked for one or led to a second factor',
  },
  'console.code': {
    api: 'UNAUTHORIZED',
    exit: 255,
    text: 'wrong code, or one that has been used',
  },
} as const;
