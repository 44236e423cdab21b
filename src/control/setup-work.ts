import type { AuditDetail, AuditStore, AuditType } from '../domain/audit.ts';
import type { AuditStates } from '../domain/audit-state.ts';
import { MAX_LIMIT, type Page, type PageRequest } from '../domain/page.ts';
import type { Setup, SetupChange } from '../domain/setup.ts';
import type { Stores } from '../domain/store.ts';

/** One application of a setup, inside its transaction. */
export interface SetupWork {
  readonly stores: Stores;
  readonly setup: Setup;
  /** Whether what the setup lacks is removed. */
  readonly prune: boolean;
  readonly changes: SetupChanges;
}

/** What was changed, in the order in which it was, each with its audit event. */
export class SetupChanges {
  readonly list: SetupChange[] = [];
  readonly #audit: AuditStore;
  readonly #actor: string;
  readonly #source: string | null;

  constructor(audit: AuditStore, actor: string, source: string | null) {
    this.#audit = audit;
    this.#actor = actor;
    this.#source = source;
  }

  async note(
    change: SetupChange,
    event: {
      readonly type: AuditType;
      readonly userId?: number;
      readonly machineId?: number;
      readonly detail?: AuditDetail;
      /** What the thing was and is: `auditStates`. */
      readonly states?: AuditStates;
    },
  ): Promise<void> {
    this.list.push(change);
    const fields = change.fields.length === 0 ? {} : { fields: change.fields.join(', ') };
    await this.#audit.append({
      at: new Date(),
      type: event.type,
      actor: this.#actor,
      userId: event.userId ?? null,
      machineId: event.machineId ?? null,
      sessionId: null,
      source: this.#source,
      detail: { name: change.name, ...fields, ...event.detail, by: 'setup' },
      ...event.states,
    });
  }
}

/** All rows of a list, page after page, oldest first. */
export async function allRows<Row>(
  list: (page: PageRequest) => Promise<Page<Row>>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let before: number | null = null;
  do {
    const page: Page<Row> = await list({
      limit: MAX_LIMIT,
      ...(before === null ? {} : { before }),
    });
    rows.push(...page.rows);
    before = page.next;
  } while (before !== null);
  return rows.reverse();
}

/** The names of the fields in which two things differ; values are compared as JSON. */
export function differing<Thing extends object>(
  now: Thing,
  wanted: Thing,
): readonly (keyof Thing & string)[] {
  const keys = Object.keys(wanted) as (keyof Thing & string)[];
  return keys.filter((key) => canonical(now[key]) !== canonical(wanted[key]));
}

/** JSON with the keys of maps in order, so that equal things have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
