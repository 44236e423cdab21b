import type { Page, PageRequest } from './page.ts';
import type { SearchKind } from './search.ts';

/** The most rules that there may be: each looks at everything. */
export const MOST_ALERT_RULES = 100;

/** What of a session raises an alert. Machine and group: at most one; null: wherever, whoever. */
export interface NewAlertRule {
  readonly name: string;
  /** In the language of redact/automaton.ts. */
  readonly pattern: string;
  /** Null: in commands and in output. */
  readonly kind: SearchKind | null;
  readonly machineId: number | null;
  /** In sessions of its members. */
  readonly groupId: number | null;
}

export interface AlertRule extends NewAlertRule {
  readonly id: number;
  readonly createdAt: Date;
}

/** What was found in a recording. */
export interface AlertFound {
  readonly ruleId: number;
  readonly kind: SearchKind;
  /** Of the recording. */
  readonly second: number;
}

/** What somebody is told; nothing of what was to be seen. */
export interface Alert {
  /** Grows with each alert of its node. */
  readonly number: number;
  readonly at: Date;
  readonly rule: string;
  readonly kind: SearchKind;
  readonly second: number;
  readonly sessionId: number;
  readonly channel: number;
  readonly userName: string;
  readonly machineName: string;
  readonly login: string;
  readonly node: string;
}

/** An alert that was raised now, with whose session it is. */
export interface RaisedAlert {
  readonly rule: string;
  readonly sessionId: number;
  /** Whether a grant in force for the session ends it at an alert. */
  readonly ends: boolean;
}

/** Implemented by store/alerts.ts. */
export interface AlertStore {
  list(page: PageRequest): Promise<Page<AlertRule>>;
  getByName(name: string): Promise<AlertRule | null>;
  /** Throws `thing.exists`, `thing.not_found` for machine or group, and `alerts.too_many`. */
  create(rule: NewAlertRule): Promise<AlertRule>;
  remove(id: number): Promise<AlertRule | null>;
  /** By name; all of them. */
  rules(): Promise<readonly AlertRule[]>;
  /**
   * Notes what was found, with its audit events, where the rule is meant for the session and the
   * recording had not ended before it was made; a second time in the same minute of a recording is
   * none.
   */
  raise(recordingId: number, found: readonly AlertFound[]): Promise<readonly RaisedAlert[]>;
}
