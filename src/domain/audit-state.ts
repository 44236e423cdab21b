/** What a thing was, or is: JSON, with names as the API writes them; never a secret. */
export type AuditState = Readonly<Record<string, unknown>>;

/** What an event says of the thing that it changed: nothing before it was made, nothing after it was removed. */
export interface AuditStates {
  readonly before?: AuditState | null;
  readonly after?: AuditState | null;
}

/** A user has a second factor from now on. */
export const ENROLMENT: AuditStates = {
  before: { second_factor: false },
  after: { second_factor: true },
};

/** Of a thing that is in no event: they change by themselves. */
const MOVING = ['updatedAt', 'lastConnectedAt', 'lastUsedAt'];

/**
 * The thing before and after; of one that was changed, the fields that differ alone. The objects of the
 * domain hold no secrets (these are stored and read apart), so what has them must not be given.
 */
export function auditStates(before: object | null, after: object | null): AuditStates {
  const [was, is] = [stateOf(before), stateOf(after)];
  if (was === null || is === null) return { before: was, after: is };
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]),
  );
  return { before: only(was, names), after: only(is, names) };
}

function stateOf(thing: object | null): AuditState | null {
  if (thing === null) return null;
  const fields = Object.entries(thing).filter(([name]) => !MOVING.includes(name));
  const named = fields.map(([name, value]) => [name.replaceAll(/[A-Z]/g, toSnake), value] as const);
  // As it is stored: dates as text.
  return JSON.parse(JSON.stringify(Object.fromEntries(named))) as AuditState;
}

function toSnake(letter: string): string {
  return `_${letter.toLowerCase()}`;
}

function only(state: AuditState, names: readonly string[]): AuditState {
  return Object.fromEntries(names.map((name) => [name, state[name] ?? null]));
}
