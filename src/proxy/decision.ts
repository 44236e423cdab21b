import type { ConnectionFacts, ControlPlane, RouteAnswer } from '../domain/control-plane.ts';
import type { Authenticated } from './authentication.ts';

/**
 * How old a decision may be when a session begins by it, in milliseconds: it is asked for while the
 * client still asks for its first channel. It serves one session alone.
 */
const DECISION_MS = 2000;

/** The access decision of a connection for its next session. */
export class Decision {
  readonly #control: Pick<ControlPlane, 'authorize'>;
  readonly #facts: () => ConnectionFacts;
  #last: { readonly answer: Promise<RouteAnswer>; readonly at: number } | null = null;

  constructor(control: Pick<ControlPlane, 'authorize'>, facts: () => ConnectionFacts) {
    this.#control = control;
    this.#facts = facts;
  }

  /** Made again when the last one is not fresh any more. */
  ask({ user, destination }: Authenticated): Promise<RouteAnswer> {
    const now = performance.now();
    if (this.#last === null || now - this.#last.at > DECISION_MS) {
      const answer = this.#control.authorize(user, destination, this.#facts());
      this.#last = { answer, at: now };
    }
    return this.#last.answer;
  }

  /** A session has begun by it. */
  used(): void {
    this.#last = null;
  }
}
