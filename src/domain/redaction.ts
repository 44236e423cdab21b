import type { CastEvent } from './recording.ts';

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

/** A recording as it is shown to who may not see what is secret in it; times and sizes are its own. */
export interface RecordingView {
  /** Of the rules. */
  readonly rules: string;
  /** A text beside the events, such as the command, without what is secret in it. */
  text(text: string): string;
  /** Of all events of the recording, in order; ends where what was looked through ends. */
  show(events: AsyncIterable<CastEvent>): AsyncIterable<CastEvent>;
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
  /** As `prepare`, waiting for it. Throws `redaction.preparing` or `redaction.failed`. */
  view(key: string): Promise<RecordingView>;
  /** As `prepare`, when nobody waits for it. */
  later(key: string): void;
}
