/** What may be said about a search; see errors.ts. */
export const SEARCH_ERRORS = {
  'search.too_slow': {
    api: 'UNAVAILABLE',
    exit: 255,
    text: 'the search takes too long; narrow it by time, user or machine',
  },
} as const;
