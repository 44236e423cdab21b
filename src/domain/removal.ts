import type { AuditDetail } from './audit.ts';
import { auditStates } from './audit-state.ts';
import type { KeptRecording, Removal } from './kept-recording.ts';
import type { RecordingLibrary } from './recording.ts';
import type { Store } from './store.ts';

/** Who deletes a recording, and why. */
export interface Remover {
  readonly by: string;
  /** Null: nobody's token, or the bastion itself. */
  readonly userId: number | null;
  readonly source: string | null;
  readonly at: Date;
  readonly detail: AuditDetail;
}

/**
 * Deletes a recording and what was made of it. Its row stays with its hash and its seals, and the audit
 * says who did it; both are there before the bytes go, and neither is when these cannot be removed.
 */
export function removeRecording(
  store: Store,
  library: Pick<RecordingLibrary, 'remove'>,
  { recording, session }: KeptRecording,
  { by, userId, source, at, detail }: Remover,
): Promise<Removal> {
  return store.transaction(async ({ recordings, seals, audit }) => {
    const removal = await recordings.remove(recording.id, by, at);
    if (removal !== 'removed') return removal;
    const last = (await seals.list(recording.id)).at(-1);
    const { channel, sha256, size: bytes } = recording;
    await audit.append({
      at,
      type: 'recording.removed',
      actor: by,
      userId,
      machineId: session.machineId,
      sessionId: session.id,
      source,
      detail: { channel, sha256, bytes, seal: last?.hash ?? null, ...detail },
      ...auditStates(recording, null),
    });
    await library.remove(recording.key);
    return removal;
  });
}
