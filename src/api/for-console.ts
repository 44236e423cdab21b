import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { knownHosts, knownHostsText } from './known-hosts.ts';
import { playRecording } from './playback.ts';
import { terminateSession } from './terminate.ts';

/** What the console does as the API does it: the same decisions, errors and audit. */
export function consoleActions(deps: ApiDeps) {
  return {
    playRecording: (caller: Caller, id: number, channel: number) =>
      playRecording(deps, caller, id, channel),
    knownHosts: async (caller: Caller) => knownHostsText(await knownHosts(deps, caller.viewer)),
    terminateSession: (caller: Caller, id: number) => terminateSession(deps, caller, id),
  };
}
