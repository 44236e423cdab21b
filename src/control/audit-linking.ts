import type { AuditStore } from '../domain/audit.ts';
import type { Changes } from '../domain/changes.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { Lookout } from './lookout.ts';

/** Links the events of the audit, of whichever node, within a second of their commit. */
export class AuditLinking {
  readonly #lookout: Lookout;
  readonly #changes: Changes;

  constructor(audit: Pick<AuditStore, 'link'>, changes: Changes, log: Logger) {
    this.#changes = changes;
    this.#lookout = new Lookout(
      () => audit.link(),
      (error) => log.warn('the audit could not be linked', { reason: reasonOf(error) }),
    );
  }

  /** From now on, until `close`. */
  begin(): void {
    this.#lookout.watch(this.#changes);
  }

  close(): Promise<void> {
    return this.#lookout.close();
  }
}
