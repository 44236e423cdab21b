import { sql } from 'kysely';
import { SEARCH_KINDS, type SearchKind } from '../domain/search.ts';
import { isSearched, tableOf } from './search-conditions.ts';
import { addSpanKeys, addTextKeys, kindKey, machineKey, sessionKey } from './search-keys.ts';
import type { Db } from './tables.ts';

/** Pieces on one sheet, UTF-16 units of their texts where there is more than one, seconds between them. */
const MOST_PIECES = 64;
const MOST_UNITS = 8192;
const MOST_SECONDS = 4096;

/** Pieces that are read at once. */
const READ = 512;

/** Whose pieces are put on sheets. */
export interface SheetOwner {
  readonly recording_id: number;
  readonly session_id: number;
  readonly user_id: number | null;
  readonly machine_id: number | null;
}

/** A recording whose pieces are on sheets up to these numbers. */
export interface Loose extends SheetOwner {
  readonly command: number;
  readonly output: number;
}

interface Piece {
  readonly number: number;
  readonly at: Date;
  /** Null: it is not to be found. */
  readonly folded: string | null;
}

/** From now on the pieces of a recording are put on sheets; it has none. */
export async function beginLoose(
  db: Db,
  { recording_id, session_id, user_id, machine_id }: SheetOwner,
): Promise<void> {
  const values = { recording_id, session_id, user_id, machine_id };
  await db.insertInto('search_loose').values(values).execute();
}

/** Takes its sheets away. */
export async function forgetSheets(db: Db, recordingId: number): Promise<void> {
  // First what is held by whoever puts its pieces on sheets meanwhile.
  await db.deleteFrom('search_loose').where('recording_id', '=', recordingId).execute();
  await db.deleteFrom('search_sheets').where('recording_id', '=', recordingId).execute();
}

/** Its row, which nobody else changes meanwhile; null: all of it is on sheets. */
export async function holdLoose(db: Db, recordingId: number): Promise<Loose | null> {
  const row = await db
    .selectFrom('search_loose')
    .selectAll()
    .where('recording_id', '=', recordingId)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Puts loose pieces on sheets, as far as these are full, or all of them: `most` and somewhat more. Answers
 * how many; fewer than `most` when nothing is left to be put.
 */
export async function putOnSheets(
  db: Db,
  loose: Loose,
  { all, most }: { readonly all: boolean; readonly most: number },
): Promise<number> {
  let count = 0;
  for (const kind of SEARCH_KINDS) {
    let from = loose[kind];
    while (count < most) {
      const pieces = await piecesOf(db, loose.recording_id, kind, from, null);
      const sheets = cut(pieces, all && pieces.length < READ);
      const last = sheets.at(-1)?.at(-1);
      if (last === undefined) break;
      for (const sheet of sheets) await write(db, loose, kind, sheet);
      count += last.number + 1 - from;
      from = last.number + 1;
    }
    if (from === loose[kind]) continue;
    await db
      .updateTable('search_loose')
      .set({ [kind]: from })
      .where('recording_id', '=', loose.recording_id)
      .execute();
  }
  return count;
}

/** Makes the sheets anew on which these pieces, which have become others, are. */
export async function renewSheets(
  db: Db,
  owner: SheetOwner,
  kind: SearchKind,
  numbers: readonly number[],
): Promise<void> {
  const { rows } = await sql<{
    readonly id: number;
    readonly first: number;
    readonly last: number;
  }>`
    delete from search_sheets where recording_id = ${owner.recording_id} and kind = ${kind}
      and exists (select from unnest(${[...numbers]}::integer[]) as number where number between first and last)
    returning id, first, last`.execute(db);
  for (const { first, last } of rows) {
    await write(db, owner, kind, await piecesOf(db, owner.recording_id, kind, first, last));
  }
}

/** In the order of their numbers, from `first` on, up to `last` or as many as are read at once. */
async function piecesOf(
  db: Db,
  recordingId: number,
  kind: SearchKind,
  first: number,
  last: number | null,
): Promise<readonly Piece[]> {
  const { rows } = await sql<Piece>`
    select number, at, case when ${isSearched(kind)} then folded end as folded from ${tableOf(kind)}
    where recording_id = ${recordingId} and number between ${first} and ${last ?? 2 ** 31 - 1}
    order by number limit ${READ}`.execute(db);
  return rows;
}

/** Sheets full of pieces; what is left over is one too, or it stays loose. */
function cut(pieces: readonly Piece[], all: boolean): readonly (readonly Piece[])[] {
  const sheets: Piece[][] = [];
  let open: Piece[] = [];
  let units = 0;
  for (const piece of pieces) {
    const more = piece.folded?.length ?? 0;
    const [first = piece] = open;
    const seconds = Math.abs(piece.at.getTime() - first.at.getTime()) / 1000;
    const isFull = open.length >= MOST_PIECES || units + more > MOST_UNITS;
    if (open.length > 0 && (isFull || seconds > MOST_SECONDS)) {
      sheets.push(open);
      open = [];
      units = 0;
    }
    open.push(piece);
    units += more;
  }
  if (open.length > 0 && all) sheets.push(open);
  return sheets;
}

/** Nothing where nothing on it is to be found. */
async function write(
  db: Db,
  { recording_id, session_id, user_id, machine_id }: SheetOwner,
  kind: SearchKind,
  pieces: readonly Piece[],
): Promise<void> {
  const keys = new Set<number>();
  const times: number[] = [];
  for (const { at, folded } of pieces) {
    if (folded === null) continue;
    addTextKeys(keys, folded);
    times.push(at.getTime());
  }
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (times.length === 0 || first === undefined || last === undefined) return;
  addSpanKeys(keys, new Date(Math.min(...times)), new Date(Math.max(...times)));
  keys.add(kindKey(kind));
  keys.add(sessionKey(session_id));
  if (machine_id !== null) keys.add(machineKey(machine_id));
  // In order, as they go into the index.
  const sorted = Array.from(Int32Array.from(keys).sort());
  await db
    .insertInto('search_sheets')
    .values({
      ...{ recording_id, user_id, kind, keys: sorted },
      ...{ first: first.number, last: last.number },
    })
    .execute();
}
