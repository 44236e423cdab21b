import { type Kysely, sql } from 'kysely';

/** What was done with files: one row for each file or change. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table transfers (
    id bigint generated always as identity primary key,
    session_id bigint not null references sessions on delete cascade,
    channel integer not null,
    number integer not null,
    protocol text not null check (protocol in ('sftp', 'scp', 'rsync')),
    operation text not null,
    path text not null,
    target text,
    direction text check (direction in ('upload', 'download', 'both')),
    bytes_read bigint not null,
    bytes_written bigint not null,
    result text not null,
    sha256 text,
    sequential boolean not null,
    started_at timestamptz not null,
    duration bigint not null,
    unique (session_id, channel, number)
  )`.execute(db);
  await sql`create index transfers_session on transfers (session_id, id desc)`.execute(db);
}
