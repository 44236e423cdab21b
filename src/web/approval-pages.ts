import type { Context, Hono } from 'hono';
import type { Verdict } from '../domain/approval.ts';
import { PosternError } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { actorOf } from './actor.ts';
import { approvalPage, approvalsPage } from './approvals-page.ts';
import type { Assets } from './assets.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';

const OPEN_ROWS = 50;
const CLOSED_ROWS = 20;
const MOST_REASON = 500;

function idOf(c: Context<ConsoleEnv>): number {
  const id = parseId('apr', c.req.param('id') ?? '');
  if (id === null) throw new PosternError('request.not_found');
  return id;
}

/** What the form says; throws `request.invalid` when no button of it was used. */
async function decisionOf(c: Context<ConsoleEnv>): Promise<{ verdict: Verdict; reason: string }> {
  const { verdict, reason } = await c.req.parseBody();
  if (verdict !== 'approved' && verdict !== 'denied') throw new PosternError('request.invalid');
  const words = typeof reason === 'string' ? reason : '';
  const plain = words.replaceAll(/\p{Cc}/gu, ' ').trim();
  return { verdict, reason: plain.slice(0, MOST_REASON) };
}

/** The console's side of approvals: who waits, and what is said to it. */
export function approvalPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/approvals', async (c) => {
    const actor = actorOf(c, 'sessions:read');
    const closed = ['approved', 'denied', 'expired', 'called_off'] as const;
    const [waiting, over] = await Promise.all([
      deps.listApprovals(actor, ['pending'], OPEN_ROWS),
      deps.listApprovals(actor, closed, CLOSED_ROWS),
    ]);
    const { viewer } = actor;
    const page = { viewer, now: deps.clock(), open: waiting.rows, closed: over.rows };
    return c.html(approvalsPage(assets, page));
  });

  app.get('/approvals/:id', async (c) => {
    const actor = actorOf(c, 'sessions:read');
    const seen = await deps.seenApproval(actor, idOf(c));
    return c.html(approvalPage(assets, { viewer: actor.viewer, now: deps.clock(), seen }));
  });

  app.post('/approvals/:id', async (c) => {
    const actor = actorOf(c, 'sessions:write');
    await deps.decideApproval(actor, { id: idOf(c), ...(await decisionOf(c)) });
    return c.redirect('/approvals', 303);
  });
}
