import type { Limits } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import { printable } from '../domain/log.ts';
import { LimitWatch } from './limits.ts';
import type { PipeCounts } from './pipe.ts';
import type { GatewaySession } from './session.ts';
import type { TimelineForward } from './timeline.ts';

/** The longest name of a place in the record. */
const LONGEST_PLACE = 300;

/** One forward in its session's record, held to the limits under which it was allowed. */
export class ForwardRecord {
  readonly #session: GatewaySession;
  readonly #number: number;
  readonly #watch: LimitWatch;
  readonly #inTimeline: TimelineForward;

  /** `number` as the session gave it. */
  constructor(
    session: GatewaySession,
    number: number,
    what: { readonly capability: Capability; readonly place: string; readonly limits: Limits },
  ) {
    this.#session = session;
    this.#number = number;
    const { control } = session.deps;
    const place = printable(what.place, LONGEST_PLACE);
    void control.openChannel(session.id, { number, kind: 'forward', command: place, pty: false });
    void control.note('channel.opened', {
      user: session.user,
      userName: session.user.userName,
      machineId: session.route.machine.id,
      sessionId: session.id,
      facts: session.facts,
      detail: { channel: number, capability: what.capability, place },
    });
    this.#inTimeline = { channel: number, capability: what.capability, place };
    session.timeline.opened(this.#inTimeline);
    this.#watch = new LimitWatch(what.limits, session, (limit) => session.limited(limit));
  }

  /** Other limits than those it began under. */
  change(limits: Limits): void {
    this.#watch.change(limits);
  }

  end(counts: PipeCounts): void {
    this.#watch.stop();
    this.#session.timeline.closed(this.#inTimeline, counts);
    const end = { endedAt: new Date(), exitStatus: null, exitSignal: null, ...counts };
    void this.#session.deps.control.closeChannel(this.#session.id, this.#number, end);
  }
}
