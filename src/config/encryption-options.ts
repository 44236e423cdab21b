import type { Option } from './option.ts';
import { parseDirectory, parseRecipients } from './parsers.ts';

/** Whom recordings are encrypted to, and what opens them here. */
export const ENCRYPTION_OPTIONS: {
  readonly recordingRecipients: Option<readonly string[]>;
  readonly recordingIdentity: Option<string>;
} = {
  recordingRecipients: {
    name: 'POSTERN_RECORDING_RECIPIENTS',
    fallback: null,
    fallbackText: 'recordings are not encrypted',
    parse: parseRecipients,
    secret: 'no',
    doc: 'who can read recordings once they have ended: public keys of age, `age1…`, with commas between them; this node cannot, see [recordings.md](recordings.md)',
  },
  recordingIdentity: {
    name: 'POSTERN_RECORDING_IDENTITY',
    fallback: null,
    parse: parseDirectory,
    secret: 'no',
    doc: 'a file with a secret key of age (`age-keygen`), 0600: this node shows encrypted recordings with it',
  },
};
