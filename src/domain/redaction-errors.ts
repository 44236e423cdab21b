/** What may be said about recordings that are shown without what is secret in them; see errors.ts. */
export const REDACTION_ERRORS = {
  'redaction.pattern': {
    api: 'BAD_REQUEST',
    exit: 255,
    text: 'the pattern {pattern} is not possible: {reason}',
  },
  'redaction.rules': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'POSTERN_REDACTION: {path} cannot be used: {reason}',
  },
  'redaction.preparing': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the recording of session {id} is being looked through for what you may not see; try again in a moment',
  },
  'redaction.failed': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the recording of session {id} cannot be shown without what is secret in it: only an admin can see it',
  },
  'redaction.raw': {
    api: 'FORBIDDEN',
    exit: 255,
    text: 'the recording as it was sealed needs the scope recordings:raw; without redact=0 you get it with what is secret hidden',
  },
} as const;
