import type { Hono } from 'hono';
import { actorOf } from './actor.ts';
import type { Assets } from './assets.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';
import { stacksPage } from './stacks-page.ts';

/** The console's side of stacks: what runs now. */
export function stackPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/stacks', async (c) => {
    const actor = actorOf(c, 'sessions:read');
    const { rows, next } = await deps.seenStacks(actor);
    const stacks = rows.map((stack) => ({ stack, known: deps.running.of(stack.id) }));
    const { viewer } = actor;
    const userName = viewer.userId === null ? null : viewer.name;
    const page = { viewer, stacks, isPart: next !== null, userName, ssh: deps.publicSsh() };
    return c.html(stacksPage(assets, page));
  });
}
