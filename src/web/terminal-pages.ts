import type { Context, Hono } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { parseId } from '../domain/ids.ts';
import { isLogin } from '../domain/names.ts';
import { actorOf } from './actor.ts';
import type { Assets } from './assets.ts';
import type { Actor, ConsoleDeps, ConsoleEnv } from './deps.ts';
import {
  beforeTerminalPage,
  machinesPage,
  type TerminalWish,
  terminalPage,
} from './terminal-page.ts';

const MOST_CODE = 64;

/** What stands in the way, and the page that asks for it again. */
const NEEDS: Readonly<Record<string, 'approval' | 'code'>> = {
  'terminal.approval': 'approval',
  'terminal.code': 'code',
  'terminal.wrong_code': 'code',
};

/** Throws `request.not_found` for what no form of ours says. */
async function wishOf(c: Context<ConsoleEnv>): Promise<TerminalWish & { code: string | null }> {
  const { machine, login, code } = await c.req.parseBody();
  const machineId = parseId('mch', typeof machine === 'string' ? machine : '');
  const account = typeof login === 'string' ? login.trim() : '';
  if (machineId === null || (account !== '' && !isLogin(account))) {
    throw new PosternError('request.not_found');
  }
  const given = typeof code === 'string' ? code.trim().slice(0, MOST_CODE) : '';
  return { machineId, login: account === '' ? null : account, code: given === '' ? null : given };
}

async function open(
  deps: ConsoleDeps,
  assets: Assets,
  actor: Actor,
  wish: Awaited<ReturnType<typeof wishOf>>,
  client: string,
) {
  const { viewer } = actor;
  try {
    const terminal = await deps.openTerminal(actor, { ...wish, client });
    const machine = await deps.store.machines.get(wish.machineId);
    return terminalPage(assets, { viewer, wish, machine: machine?.name ?? '', terminal });
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    const need = NEEDS[error.code];
    if (need === undefined) throw error;
    return beforeTerminalPage(assets, { viewer, wish, need, message: error.message });
  }
}

/** Terminals in the console: which machine, what is needed first, and the terminal itself. */
export function terminalPages(app: Hono<ConsoleEnv>, deps: ConsoleDeps, assets: Assets): void {
  app.get('/terminal', async (c) => {
    const actor = actorOf(c, 'sessions:write');
    const machines = await deps.seenMachines(actor);
    return c.html(machinesPage(assets, { viewer: actor.viewer, machines }));
  });

  app.post('/terminal', async (c) => {
    const actor = actorOf(c, 'sessions:write');
    const client = c.req.header('user-agent') ?? '';
    return c.html(await open(deps, assets, actor, await wishOf(c), client));
  });
}
