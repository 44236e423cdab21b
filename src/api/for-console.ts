import type { ApprovalStatus } from '../domain/approval.ts';
import { decideApproval, listApprovals, seenApproval } from './approvals.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { knownAuthorityText, knownHosts, knownHostsText } from './known-hosts.ts';
import { playRecording } from './playback.ts';
import { replayAnswer, replayIndex, replaySegment, type SegmentRequest } from './replay.ts';
import { terminateSession } from './terminate.ts';

/** What the console does as the API does it: the same decisions, errors and audit. */
export function consoleActions(deps: ApiDeps) {
  return {
    playRecording: (caller: Caller, id: number, channel: number) =>
      playRecording(deps, caller, id, channel),
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
    terminateSession: (caller: Caller, id: number) => terminateSession(deps, caller, id),
  };
}
