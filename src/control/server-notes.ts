import type { AuditStore } from '../domain/audit.ts';
import { type Logger, reasonOf } from '../domain/log.ts';

export interface NotedServer {
  readonly audit: AuditStore;
  /** The node's name. */
  readonly node: string;
  readonly version: string;
  readonly log: Logger;
}

/** A stop without such a note was none in order. Never rejects: no server waits for its own note. */
export async function noteServer(
  { audit, node, version, log }: NotedServer,
  type: 'server.started' | 'server.stopped',
): Promise<void> {
  try {
    await audit.append({
      ...{ at: new Date(), type, actor: null, source: null },
      ...{ userId: null, machineId: null, sessionId: null },
      detail: { node, version },
    });
  } catch (error) {
    log.warn('the audit does not have what the server did', { type, reason: reasonOf(error) });
  }
}
