import type { ShownCommands } from '../domain/shown-commands.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { noteOpening } from './journal.ts';
import { shownText } from './shown-text.ts';
import { seenSession } from './terminate.ts';

/** Commands on one page. */
const MOST = 300;

/** After every entry of the channel before. */
const LATEST = new Date('9999-12-31T00:00:00Z');

/** The commands of a channel for a page; noted once, as pages of a log are. Throws `thing.not_found`. */
export async function shownCommands(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number,
): Promise<ShownCommands> {
  const session = await seenSession(deps, caller, id);
  const { analyses } = deps.store;
  const after = { channel: channel - 1, at: LATEST, type: 'output', index: 0 } as const;
  const found = await analyses.commands(id, { limit: MOST + 1, after });
  const own = found.filter((one) => one.channel === channel);
  if (own.length > 0) {
    await noteOpening(deps, caller, {
      ...{ type: 'logs.viewed', session, recording: null, part: true },
      detail: { format: 'commands', channel },
    });
  }
  const states = await analyses.ofSession(id);
  return {
    commands: own.slice(0, MOST).map((command) => ({
      ...command,
      text: shownText(deps, caller, command.text),
    })),
    more: own.length > MOST,
    analysis: states.find((one) => one.channel === channel) ?? null,
  };
}
