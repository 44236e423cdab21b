import { setTimeout as pause } from 'node:timers/promises';
import type { AlertFound, AlertRule, AlertStore } from '../domain/alert.ts';
import type { AnalysisChanges } from '../domain/analysis.ts';
import type { Gateway } from '../domain/control-plane.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { SearchKind } from '../domain/search.ts';
import { Automaton } from '../redact/automaton.ts';

/** Milliseconds for which rules are taken as they were read. */
const RULES_MS = 2000;

/** Looking may take this share of the time: after each millisecond of it come three of rest. */
const REST = 3;
/** Milliseconds of looking before a rest, and before others get their turn. */
const AT_ONCE_MS = 5;

interface Watched {
  readonly rule: AlertRule;
  readonly automaton: Automaton;
}

interface Text {
  readonly kind: SearchKind;
  readonly second: number;
  readonly text: string;
}

export interface AlertWatchDeps {
  readonly alerts: Pick<AlertStore, 'rules' | 'raise'>;
  readonly log: Logger;
}

/** Refuses a pattern that is not possible. Throws `redaction.pattern`. */
export function checkPattern(pattern: string): void {
  Automaton.of(pattern);
}

/**
 * Looks for what raises alerts in what recordings are found to hold. Patterns take a time in proportion
 * to the text, and no more than a quarter of a processor; where that is not enough, alerts are late, and
 * with them the analysis, never a session.
 */
export class AlertWatch {
  readonly #deps: AlertWatchDeps;
  #watched: readonly Watched[] = [];
  #readAt = Number.NEGATIVE_INFINITY;
  #spent = 0;
  #gateway: Pick<Gateway, 'terminate'> | null = null;
  /** One look behind the other, so that the bound is for all. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: AlertWatchDeps) {
    this.#deps = deps;
  }

  /** What ends sessions; until it is there, none is ended. */
  endsBy(gateway: Pick<Gateway, 'terminate'>): void {
    this.#gateway = gateway;
  }

  /** Rejects when the database does not answer: then the same is to be looked at again. */
  look(recordingId: number, changes: AnalysisChanges): Promise<void> {
    const looking = this.#last.then(() => this.#look(recordingId, changes));
    this.#last = looking.catch(() => undefined);
    return looking;
  }

  async #look(recordingId: number, { commands, blocks }: AnalysisChanges): Promise<void> {
    await this.#refresh();
    if (this.#watched.length === 0) return;
    const texts: readonly Text[] = [
      ...commands.map(({ start, text }): Text => ({ kind: 'command', second: start, text })),
      ...blocks
        .filter(({ kind }) => kind !== 'prompt')
        .map(({ from, text }): Text => ({ kind: 'output', second: from, text })),
    ];
    const found: AlertFound[] = [];
    for (const { kind, second, text } of texts) {
      for (const { rule, automaton } of this.#watched) {
        if (rule.kind !== null && rule.kind !== kind) continue;
        if (await this.#isIn(automaton, text)) found.push({ ruleId: rule.id, kind, second });
      }
    }
    if (found.length > 0) await this.#raise(recordingId, found);
  }

  async #isIn(automaton: Automaton, text: string): Promise<boolean> {
    const began = performance.now();
    const isIn = automaton.isIn(text);
    this.#spent += performance.now() - began;
    if (this.#spent >= AT_ONCE_MS) {
      const rest = this.#spent * REST;
      this.#spent = 0;
      await pause(rest);
    }
    return isIn;
  }

  async #raise(recordingId: number, found: readonly AlertFound[]): Promise<void> {
    // The earliest of a minute, which is the last that is put in.
    const first = new Map(
      found.toReversed().map((one) => [`${one.ruleId} ${Math.floor(one.second / 60)}`, one]),
    );
    const raised = await this.#deps.alerts.raise(recordingId, [...first.values()].toReversed());
    for (const { rule, sessionId, ends } of raised) {
      this.#deps.log.warn('an alert was raised', { rule, session: sessionId });
      if (ends) this.#end(sessionId, rule);
    }
  }

  #end(sessionId: number, rule: string): void {
    this.#gateway?.terminate(sessionId, 'terminated', `alert ${rule}`).catch((error: unknown) =>
      this.#deps.log.error('a session was not ended by its alert', {
        session: sessionId,
        reason: reasonOf(error),
      }),
    );
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#readAt < RULES_MS) return;
    const rules = await this.#deps.alerts.rules();
    const known = new Map(this.#watched.map((one) => [one.rule.id, one]));
    this.#watched = rules.map(
      (rule) => known.get(rule.id) ?? { rule, automaton: Automaton.of(rule.pattern) },
    );
    this.#readAt = performance.now();
  }
}
