/** What the menu says that is no failure. */

/** How long a menu may stand without a key. */
export const IDLE_MINUTES = 5;
export const IDLE_MS = IDLE_MINUTES * 60_000;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** When something was last used, in at most ten columns. */
export function ago(at: Date | null, now: Date): string {
  if (at === null) return 'never';
  const seconds = Math.floor((now.getTime() - at.getTime()) / 1000);
  if (seconds < MINUTE) return 'just now';
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  if (seconds < 30 * DAY) return `${Math.floor(seconds / DAY)} d ago`;
  return at.toISOString().slice(0, 10);
}

/** Where in the list one is. */
export function position(first: number, last: number, of: number, all: number): string {
  const filtered = of === all ? '' : ` (${all} in all)`;
  return of === 0
    ? `Nothing matches; Esc shows all ${all}`
    : `${first}-${last} of ${of}${filtered}`;
}

export const TITLE = 'Postern: which machine?';
export const HELP = 'Enter connects, arrows move, typing filters, Esc clears, q leaves (or 5 min)';
export const SHORT_HELP = 'Enter connects, q leaves';

/** In the place of an address, of a machine that is not to be reached any more. */
export const GONE = 'is gone';

export const ENDED = 'the session ended';

export function endedWith(status: number): string {
  return `the session ended with status ${status}`;
}

/** A signal's name without `SIG`. */
export function endedBy(signal: string): string {
  return `the session ended by signal ${signal}`;
}
