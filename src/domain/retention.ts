const UNITS: Readonly<Record<string, number>> = { y: 365 * 86_400, d: 86_400, h: 3600 };
const LONGEST = 100 * 365 * 86_400;

export const FOR_EVER = 'forever';

/** Seconds of the longest that recordings can be kept by a number. */
export const LONGEST_RETENTION = LONGEST;

export const RETENTION_RULE = 'is no time to keep things: write 90d, 12h, 7y or forever';

/** Seconds of `90d`, `12h`, `7y` (of 365 days); 0 of `forever`; null when it is none of these. */
export function parseRetention(text: string): number | null {
  if (text === FOR_EVER) return 0;
  const [, digits = '', unit = ''] = /^([1-9][0-9]{0,6})([ydh])$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS[unit] ?? 0);
  return seconds > 0 && seconds <= LONGEST ? seconds : null;
}

/** In a form that `parseRetention` reads, where seconds are whole hours. */
export function formatRetention(seconds: number): string {
  if (seconds === 0) return FOR_EVER;
  return seconds % 86_400 === 0 ? `${seconds / 86_400}d` : `${seconds / 3600}h`;
}
