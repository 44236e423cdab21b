import { sql } from 'kysely';
import { SEARCH_KINDS, type SearchKind } from '../domain/search.ts';
import {
  beginLoose,
  forgetSheets,
  holdLoose,
  type Loose,
  putOnSheets,
  renewSheets,
  type SheetOwner,
} from './search-sheets.ts';
import type { Db } from './tables.ts';

/** Loose pieces of a recording are looked at whenever so many more are there. */
const STEP = 16;

/** Recordings and pieces of one turn. */
const RECORDINGS = 100;
const PIECES = 2000;

/** Numbers of pieces that have been written. */
type Written = Readonly<Record<SearchKind, readonly number[]>>;

/** After pieces of a recording, which nobody else writes, have been written. */
export async function gatherWritten(db: Db, owner: SheetOwner, written: Written): Promise<void> {
  const loose = await holdLoose(db, owner.recording_id);
  if (loose === null) {
    // It was over, and goes on.
    await forgetSheets(db, owner.recording_id);
    await beginLoose(db, owner);
    return;
  }
  for (const kind of SEARCH_KINDS) {
    const again = written[kind].filter((number) => number < loose[kind]);
    if (again.length > 0) await renewSheets(db, owner, kind, again);
  }
  const isEnough = SEARCH_KINDS.some((kind) => {
    const last = Math.max(-1, ...written[kind]);
    return (last + 1) % STEP < written[kind].length;
  });
  if (isEnough) await putOnSheets(db, loose, { all: false, most: Number.POSITIVE_INFINITY });
}

/** When no more pieces of it come. */
export async function gatherAll(db: Db, recordingId: number): Promise<void> {
  const loose = await holdLoose(db, recordingId);
  if (loose !== null) await gatherRest(db, loose, Number.POSITIVE_INFINITY);
}

/** Some of those that are over and were written before there were sheets; false: there are none. */
export async function gatherOlder(db: Db): Promise<boolean> {
  const { rows } = await sql<Loose>`
    select search_loose.* from search_loose
    join recording_analyses on recording_analyses.recording_id = search_loose.recording_id
    where state <> 'running' order by search_loose.recording_id desc limit ${RECORDINGS}
    for update of search_loose skip locked`.execute(db);
  let left = PIECES;
  for (const loose of rows) {
    left -= await gatherRest(db, loose, left);
    if (left <= 0) break;
  }
  return rows.length > 0;
}

async function gatherRest(db: Db, loose: Loose, most: number): Promise<number> {
  const count = await putOnSheets(db, loose, { all: true, most });
  if (count < most) {
    await db.deleteFrom('search_loose').where('recording_id', '=', loose.recording_id).execute();
  }
  return count;
}
