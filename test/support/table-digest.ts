import pg from 'pg';

/** What tables hold, in short: `digest` is another text as soon as any row is. */
export interface TableDigest extends AsyncDisposable {
  /** One line a table: its name, number of rows, and hash of what they hold. */
  digest(): Promise<readonly string[]>;
}

/** Of a PostgreSQL database; when a token was last used is no change. */
export async function tableDigest(databaseUrl: string | null): Promise<TableDigest> {
  if (databaseUrl === null) throw new Error('only of a PostgreSQL server');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
  );
  const each = rows.map(
    ({ name }) => `select '${name}' as name, count(*) as rows,
      md5(coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, '' order by t::text), '')) as hash
      from ${name} as t`,
  );
  const query = each.join(' union all ');
  return {
    async digest() {
      const found = await client.query<{ name: string; rows: string; hash: string }>(query);
      return found.rows.map((row) => `${row.name}: ${row.rows} rows, ${row.hash}`);
    },
    async [Symbol.asyncDispose]() {
      await client.end();
    },
  };
}
