import { AuditLinking } from '../control/audit-linking.ts';
import { type NotedServer, noteServer } from '../control/server-notes.ts';
import type { Changes } from '../domain/changes.ts';
import type { Closers } from './closers.ts';

/** Links the audit from now on, and notes in it that the server has started, and when it stops in order. */
export async function openAuditing(
  server: NotedServer & { readonly changes: Changes },
  closers: Closers,
): Promise<void> {
  const { audit, changes, log } = server;
  closers.begin('linking the audit', new AuditLinking(audit, changes, log));
  await noteServer(server, 'server.started');
  closers.add('noting the stop', () => noteServer(server, 'server.stopped'));
}
