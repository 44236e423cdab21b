/** What new recordings are encrypted with. Plain data: it goes to the recorder's thread. */
export interface RecordingEncryption {
  /** `age1…`: who can read a recording once it has ended. */
  readonly recipients: readonly string[];
  /** What keeps the data key of a recording that is being written: 32 bytes, base64. */
  readonly nodeKey: string;
}

/** What a node opens encrypted recordings with. Plain data: it goes to threads. */
export interface RecordingKeys {
  /** As RecordingEncryption.nodeKey; more than one while the secret key is being changed. */
  readonly nodeKeys: readonly string[];
  /** `AGE-SECRET-KEY-1…`: for those that have ended. */
  readonly identities: readonly string[];
}

/** Opens nothing that is encrypted. */
export const NO_KEYS: RecordingKeys = { nodeKeys: [], identities: [] };

/**
 * The data keys that are kept beside encrypted recordings which are written, or wait for their repair.
 * Implemented by recording-files.ts.
 */
export interface KeptDataKeys {
  /** Of which recordings. Rejects when a directory cannot be read. */
  list(): Promise<readonly { readonly key: string; readonly sessionId: number }[]>;
  /** From now on identities alone open the recording. Idempotent, never rejects. */
  forget(key: string): Promise<void>;
}

/** Where nothing is encrypted. */
export const NO_DATA_KEYS: KeptDataKeys = {
  list: () => Promise.resolve([]),
  forget: () => Promise.resolve(),
};
