import { type AuditStates, auditStates } from '../domain/audit-state.ts';
import type { HostKeyAnswer } from '../domain/control-plane.ts';
import type { Machine } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';
import type { Journal } from './journal.ts';

/**
 * Whether the key that a machine shows is its own: pinned, or trusted on first use and then pinned
 * where its policy is `accept-new`. A changed key is never trusted.
 */
export class HostKeys {
  readonly #stores: Pick<Stores, 'machines' | 'sessions'>;
  readonly #journal: Journal;

  constructor(stores: Pick<Stores, 'machines' | 'sessions'>, journal: Journal) {
    this.#stores = stores;
    this.#journal = journal;
  }

  async check(
    sessionId: number,
    machineId: number,
    key: { readonly line: string; readonly fingerprint: string },
  ): Promise<HostKeyAnswer> {
    const { machines } = this.#stores;
    const machine = await machines.get(machineId);
    if (machine === null) return { outcome: 'unknown' };
    const fresh = machine.hostKey === null && machine.hostKeyPolicy === 'accept-new';
    const pinned = fresh ? await machines.pinHostKey(machineId, key.line) : machine.hostKey;
    if (pinned === null) return { outcome: 'unknown' };
    if (pinned === key.line) {
      if (fresh)
        await this.#note(
          ...(['host_key.pinned', sessionId, machine] as const),
          { fingerprint: key.fingerprint },
          auditStates({ hostKey: null }, { hostKey: pinned }),
        );
      return { outcome: 'trusted' };
    }
    await this.#note('host_key.changed', sessionId, machine, { offered: key.fingerprint });
    return { outcome: 'changed', expected: pinned };
  }

  async #note(
    type: 'host_key.pinned' | 'host_key.changed',
    sessionId: number,
    machine: Pick<Machine, 'id' | 'name'>,
    detail: Readonly<Record<string, string>>,
    states: AuditStates = {},
  ): Promise<void> {
    const session = await this.#stores.sessions.get(sessionId);
    if (session === null) return;
    // On the way to the session's machine there may be others.
    const via = machine.id === session.machineId ? {} : { machine: machine.name };
    void this.#journal.noteSession(type, session, { ...detail, ...via }, states);
  }
}
