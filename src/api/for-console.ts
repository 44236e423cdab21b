import type { ApprovalStatus } from '../domain/approval.ts';
import { PosternError } from '../domain/errors.ts';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../domain/page.ts';
import type { SegmentRequest } from '../domain/replay.ts';
import type { SearchFilter } from '../domain/search.ts';
import { decideApproval, listApprovals, seenApproval } from './approvals.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { knownAuthorityText, knownHosts, knownHostsText } from './known-hosts.ts';
import { machineSight, machinesShut } from './machine-access.ts';
import { playRecording } from './playback.ts';
import { downloadRecording } from './recording-download.ts';
import { replayAnswer, replayIndex, replaySegment } from './replay.ts';
import { CURSOR, cursorOf, placeOf, search } from './search.ts';
import { shownCommands } from './shown-commands.ts';
import { seenStacks } from './stacks.ts';
import { openTerminal, type TerminalAsked } from './terminals.ts';
import { terminateSession } from './terminate.ts';

const WHOLE_FILE = {
  ...{
    format: null,
    redact: undefined,
    method: 'GET',
    range: undefined,
    ifRange: undefined,
    ifNoneMatch: undefined,
  },
} as const;

/** Until the page knows better. */
const FIRST_WINDOW = { cols: 80, rows: 24, width: 0, height: 0 };

/** What the console does as the API does it: the same decisions, errors and audit. */
export function consoleActions(deps: ApiDeps) {
  return {
    playRecording: (caller: Caller, id: number, channel: number) =>
      playRecording(deps, caller, id, channel),
    lockedTo: async (key: string) => (await deps.recordings.locking(key)).lockedTo,
    downloadFile: (caller: Caller, id: number, channel: number) =>
      downloadRecording(deps, caller, { ...WHOLE_FILE, id, channel }),
    replayAnswer: (caller: Caller, id: number, channel: number) =>
      replayAnswer(deps, caller, id, channel),
    replayIndex: (caller: Caller, id: number, channel: number) =>
      replayIndex(deps, caller, id, channel),
    replaySegment: (caller: Caller, asked: SegmentRequest) => replaySegment(deps, caller, asked),
    knownHosts: async (caller: Caller) => knownHostsText(await knownHosts(deps, caller.viewer)),
    knownAuthority: () => knownAuthorityText(deps),
    listApprovals: (caller: Caller, statuses: readonly ApprovalStatus[] | null, limit: number) =>
      listApprovals(deps, caller, statuses, { limit, page: 1 }),
    seenApproval: (caller: Caller, id: number) => seenApproval(deps, caller, id),
    decideApproval: async (caller: Caller, decision: Parameters<typeof decideApproval>[2]) => {
      await decideApproval(deps, caller, decision);
      deps.changes.publish();
    },
    search: async (caller: Caller, filter: SearchFilter, cursor: string | null) => {
      if (cursor !== null && !CURSOR.test(cursor)) throw new PosternError('request.invalid');
      const after = cursor === null ? null : placeOf(cursor);
      const { hits, next } = await search(deps, caller, { filter, limit: DEFAULT_LIMIT, after });
      return { hits, next: cursorOf(next) };
    },
    seenMachines: async (caller: Caller) => {
      const now = deps.clock();
      const maySee = await machineSight(deps.store, caller.viewer, now);
      const isShut = await machinesShut(deps.store, caller.viewer, now);
      const machines = (await deps.store.machines.all()).filter(maySee);
      return machines.map((machine) => ({ machine, isShut: isShut(machine) }));
    },
    seenStacks: (caller: Caller) => seenStacks(deps, caller, { limit: MAX_LIMIT, page: 1 }),
    openTerminal: (caller: Caller, asked: TerminalAsked) =>
      openTerminal(deps, caller, asked, FIRST_WINDOW),
    sessionCommands: (caller: Caller, id: number, channel: number) =>
      shownCommands(deps, caller, id, channel),
    terminateSession: (caller: Caller, id: number) => terminateSession(deps, caller, id),
  };
}
