/** What may be said about a search, and about rules for alerts; see errors.ts. */
export const SEARCH_ERRORS = {
  'search.too_slow': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the search takes too long; narrow it by time, user or machine',
  },
  'alerts.too_many': {
    api: 'CONFLICT',
    exit: 255,
    text: 'there are as many alert rules as there may be; remove one first',
  },
} as const;
