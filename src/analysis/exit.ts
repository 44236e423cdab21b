/** The status in an exit event, or in a mark; null: it is none. */
export function exitOf(text: string): number | null {
  return /^-?\d{1,10}$/.test(text) ? Number(text) : null;
}
