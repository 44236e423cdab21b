import type { RecordingView } from './recording.ts';

/** A form of secrets that an admin has added. */
export interface OwnPattern {
  readonly name: string;
  /** In the language of redact/automaton.ts. */
  readonly match: string;
}

/** What is hidden from who is not an admin. */
export interface RedactionRules {
  readonly patterns: readonly OwnPattern[];
  /** Built-in detectors, by name, that are not wanted. */
  readonly without: readonly string[];
}

/** Whether what is to be hidden in a recording is known. */
export type RedactionState =
  | { readonly state: 'ready'; readonly view: RecordingView }
  /** From 0 to 1. */
  | { readonly state: 'preparing'; readonly progress: number }
  | { readonly state: 'failed' };

/** What recordings are shown as to who is not an admin. Implemented by redact/redaction.ts. */
export interface Redaction {
  /** Of the rules: what is derived by others is of no use any more. */
  readonly rules: string;
  text(text: string): string;
  /** Has the recording looked through where that was not done of it as it is now; never rejects. */
  prepare(key: string): Promise<RedactionState>;
  /**
   * As `prepare`, waiting for it; `session` is for the errors. `isGrowing`: it is still being written, so secrets that
   * have only begun are hidden, too. Throws `redaction.preparing` or `redaction.failed`.
   */
  view(key: string, session: string, isGrowing: boolean): Promise<RecordingView>;
  /** As `prepare`, when nobody waits for it. */
  later(key: string): void;
}
