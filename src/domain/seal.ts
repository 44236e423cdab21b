/**
 * How a recording ended, as its last seal says it. The last two: it broke, and was sealed as far as it
 * goes when its disk could be written again (RecordingState).
 */
export const FINAL_STATES = ['complete', 'recovered', 'truncated', 'gap'] as const;
export type FinalState = (typeof FINAL_STATES)[number];

/**
 * The head of a recording's hash chain after one of its parts, signed. The line that says so stands in
 * the file itself (recorder/seal.ts); the database keeps it too, so that a file cannot be put in the
 * place of another by who has the key to sign.
 */
export interface Seal {
  /** From 1. */
  readonly part: number;
  /** Bytes of the file that it covers; the seal itself comes after them. */
  readonly end: number;
  /** SHA-256, hex: of the hash before and the bytes since then. */
  readonly hash: string;
  /** The line in the file, without its newline. */
  readonly line: string;
}

/** A public key that seals can be checked with. */
export interface SealingKey {
  /** What seals call it: see recorder/signer.ts. */
  readonly id: string;
  /** Ed25519, SubjectPublicKeyInfo as PEM. */
  readonly publicPem: string;
}

/** Seals and keys as the database keeps them. Implemented by store/seals.ts. */
export interface SealStore {
  /** Idempotent; of a recording that is gone nothing is kept. */
  add(sessionId: number, channel: number, seal: Seal): Promise<void>;
  /** By part. */
  list(recordingId: number): Promise<readonly Seal[]>;
  /** The seals of the recording with this key, by part; none where there is no such recording. */
  ofFile(key: string): Promise<readonly Seal[]>;
  /** Idempotent. */
  addKey(key: SealingKey): Promise<void>;
  /** Of all nodes, older ones first. */
  keys(): Promise<readonly SealingKey[]>;
}

/** What is known of a recording beside its file. */
export interface KnownSeals {
  readonly keys: readonly SealingKey[];
  /** Those that were noted while it was made. */
  readonly seals: readonly Seal[];
  /** Whose recording it has to be. */
  readonly identity: { readonly session: number; readonly channel: number };
  /** Of the file, hex, as it was noted when it was finished; null: it was not. */
  readonly sha256: string | null;
}

/** Why a file is not what was recorded. */
export const CONTRADICTIONS = {
  changed: 'its bytes are not those that were sealed',
  forged: 'its seal is not signed by the key that it names',
  unknown_signer: 'its seal is signed by a key that is not known here',
  out_of_order: 'its seal is that of another part',
  unreadable: 'its seal cannot be read',
  after_the_end: 'bytes follow the last seal',
  replaced: 'its seal is not the one that was noted when it was made',
  cut: 'it is not there, though its seal was noted',
  other_recording: 'the file is the recording of another channel',
  not_its_record: 'a record of the encrypted file is not the one that was written there',
  other_file: 'the encrypted file is not the one that was noted when it was finished',
} as const;
export type Contradiction = keyof typeof CONTRADICTIONS;

/** What checking a recording's bytes against its seals came to. */
export type Verdict =
  | {
      readonly state: FinalState;
      readonly parts: number;
      /** Bytes of the asciicast. */
      readonly size: number;
      /** Bytes of output and error that the recorder was handed; null where nobody knows. */
      readonly recordedBytes: number | null;
    }
  /** No last seal: the recording goes on, or lost its end. All parts that are there are as sealed. */
  | {
      readonly state: 'open';
      readonly parts: number;
      /** Bytes after the last seal, which nothing vouches for. */
      readonly unsealed: number;
    }
  /** It is encrypted, and nothing here opens it: its seals cannot be checked. */
  | {
      readonly state: 'locked';
      /** That follow one another to the end of the file. */
      readonly records: number;
      /** Of the file, bytes and hex. */
      readonly size: number;
      readonly sha256: string;
      /** The recipients whose identities would open it. */
      readonly recipients: string;
    }
  /** The first part that is not as it was; `from` and `to` in bytes of the asciicast. */
  | {
      readonly state: 'tampered';
      readonly part: number;
      readonly from: number;
      readonly to: number;
      readonly problem: Contradiction;
    };
