import { CompiledQuery, createQueryId, type KyselyPlugin, sql } from 'kysely';
import type { Db } from '../../src/store/tables.ts';

/** Their names begin those of their indexes. */
const TABLES = ['commands', 'transcript_blocks', 'search_sheets', 'search_loose'];

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

/** Keeps the queries of searches that go through it. */
export class Asked implements KyselyPlugin {
  readonly nodes: Parameters<KyselyPlugin['transformQuery']>[0]['node'][] = [];

  transformQuery({ node }: Parameters<KyselyPlugin['transformQuery']>[0]) {
    this.nodes.push(node);
    return node;
  }

  transformResult({ result }: Parameters<KyselyPlugin['transformResult']>[0]) {
    return Promise.resolve(result);
  }

  /** What of the tables that are searched these queries read, by running them again, as search does. */
  async reads(db: Db): Promise<readonly { readonly index: string; readonly rows: number }[]> {
    const reads: { index: string; rows: number }[] = [];
    const walk = (plan: Plan) => {
      const removed =
        (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
      const rows = (plan['Actual Rows'] + removed) * plan['Actual Loops'];
      const { 'Index Name': index = 'none', 'Relation Name': table = index } = plan;
      // A heap that is read by a bitmap is read as the index below it says.
      const isRead = TABLES.some((name) => table.startsWith(name));
      if (isRead && plan['Node Type'] !== 'Bitmap Heap Scan') reads.push({ index, rows });
      plan.Plans?.forEach(walk);
    };
    await db.transaction().execute(async (work) => {
      for (const node of this.nodes) {
        const query = work.getExecutor().compileQuery(node, createQueryId());
        const asked = query.sql.trimStart();
        const isSetting = asked.startsWith('select set_config');
        // Each look has settings of its own.
        if (isSetting) await sql`reset enable_bitmapscan`.execute(work);
        const explained = isSetting ? '' : 'explain (analyze, format json) ';
        const { rows } = await work.executeQuery<{ 'QUERY PLAN'?: readonly { Plan: Plan }[] }>(
          CompiledQuery.raw(`${explained}${asked}`, [...query.parameters]),
        );
        for (const { Plan } of rows[0]?.['QUERY PLAN'] ?? []) walk(Plan);
      }
    });
    return reads;
  }
}
