import type { Capability } from '../domain/capability.ts';
import type { ConnectionFacts, ControlPlane, SignedIn } from '../domain/control-plane.ts';
import { printable } from '../domain/log.ts';

/** Audit events of refusals that one connection may cause. */
const MOST_DENIALS = 20;

/** What one connection asked for and no grant allows, in the audit. */
export class Denials {
  readonly #control: Pick<ControlPlane, 'note'>;
  readonly #facts: () => ConnectionFacts;
  readonly #user: () => SignedIn | undefined;
  #count = 0;

  constructor(
    control: Pick<ControlPlane, 'note'>,
    facts: () => ConnectionFacts,
    user: () => SignedIn | undefined,
  ) {
    this.#control = control;
    this.#facts = facts;
    this.#user = user;
  }

  /** `wanted`: the place of a forward. */
  note(capability: Capability, wanted = ''): void {
    this.#count += 1;
    if (this.#count > MOST_DENIALS) return;
    const user = this.#user() ?? null;
    void this.#control.note('channel.denied', {
      user,
      userName: user?.userName ?? null,
      machineId: null,
      sessionId: null,
      facts: this.#facts(),
      detail: { capability, wanted: printable(wanted) },
    });
  }
}
