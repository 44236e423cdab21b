/** What an entry of the error catalogue (domain/errors.ts) is made of. */

export type ApiCode =
  | 'BAD_REQUEST'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'INTERNAL';

export const HTTP_STATUS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
} as const satisfies Readonly<Record<ApiCode, number>>;

/** SSH exit status: 255 Postern refuses or cannot connect, 254 no recording (spec/interface.md). */
export type SshExit = 254 | 255;

export interface CatalogueEntry {
  readonly api: ApiCode;
  readonly exit: SshExit;
  readonly text: string;
}
