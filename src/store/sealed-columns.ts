import type { Selectable } from 'kysely';
import type { AuthType } from '../domain/machine.ts';
import type { Tables } from './tables.ts';
import type { Sealed } from './vault.ts';

type Row<Table extends keyof Tables> = Selectable<Tables[Table]>;

/** `TABLE.COLUMN` of every column whose type is Sealed. */
export type SealedColumn = {
  [Table in keyof Tables]: {
    [Column in keyof Row<Table> & string]: NonNullable<Row<Table>[Column]> extends Sealed
      ? `${Table}.${Column}`
      : never;
  }[keyof Row<Table> & string];
}[keyof Tables];

type TableOf<Column> = Column extends `${infer Table extends keyof Tables}.${string}`
  ? Table
  : never;

/** What a machine's sealed credential is bound to. */
export function credentialPlace(id: number, type: AuthType): string {
  return `machine ${id} ${type}`;
}

/** What a user's sealed TOTP secret is bound to. */
export function totpPlace(userId: number): string {
  return `user ${userId} totp`;
}

/** What the one-time password of a container session is bound to. */
export function passwordPlace(sessionId: number): string {
  return `session ${sessionId} password`;
}

/**
 * Everything that the secret key opens, each with the place that its text is bound to: what is sealed
 * again when that key changes. A Sealed column that lacks here does not compile. Rows have an `id`.
 */
export const SEALED_COLUMNS: {
  readonly [Column in SealedColumn]: (row: Row<TableOf<Column>>) => string;
} = {
  'machines.credential': ({ id, auth_type }) => credentialPlace(id, auth_type),
  'users.totp_secret': ({ id }) => totpPlace(id),
  'container_sessions.password': ({ id }) => passwordPlace(id),
};
