/** What is said of recordings that nothing here opens; see errors.ts. */
export const ENCRYPTION_ERRORS = {
  'recording.encrypted': {
    api: 'CONFLICT',
    exit: 255,
    text: 'the recording of session {id} is encrypted to {recipients}, and this node has no identity that opens it: download it, and decrypt it where there is one (postern recording decrypt)',
  },
  'recording.identity': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'POSTERN_RECORDING_IDENTITY: {reason}',
  },
} as const;
