import type { Selectable } from 'kysely';
import type { LegalHold, Recording, Session, SessionChannel } from '../domain/session.ts';
import type { Tables } from './tables.ts';

type SessionRow = Selectable<Tables['sessions']>;

export function toSession(row: SessionRow): Session {
  return {
    id: row.id,
    userId: row.user_id,
    userName: row.user_name,
    userEmail: row.user_email,
    machineId: row.machine_id,
    machineName: row.machine_name,
    machineHost: row.machine_host,
    login: row.login,
    kind: row.kind,
    status: row.status,
    node: row.node,
    startedAt: row.started_at,
    lastActivity: row.last_activity,
    endedAt: row.ended_at,
    endReason: row.end_reason,
    exitStatus: row.exit_status,
    ipAddress: row.ip_address,
    userAgent: row.user_agent,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
    commandsCount: row.commands_count,
    approval: approvalOf(row),
    hold: holdOf(row),
  };
}

function approvalOf(row: SessionRow): Session['approval'] {
  const { approval_id: id, approved_by: approvedBy, approval_reason: reason } = row;
  return id === null || approvedBy === null ? null : { id, approvedBy, reason: reason ?? '' };
}

function holdOf({ hold_at: at, hold_by: by, hold_reason: reason }: SessionRow): LegalHold | null {
  return at === null ? null : { at, by: by ?? '', reason: reason ?? '' };
}

export function toChannel(row: Selectable<Tables['session_channels']>): SessionChannel {
  return {
    id: row.id,
    sessionId: row.session_id,
    number: row.number,
    kind: row.kind,
    command: row.command,
    pty: row.pty,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    exitStatus: row.exit_status,
    exitSignal: row.exit_signal,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  };
}

export function toRecording(row: Selectable<Tables['recordings']>): Recording {
  return {
    id: row.id,
    sessionId: row.session_id,
    channel: row.channel,
    key: row.key,
    state: row.tampered_at === null || row.state === 'deleted' ? row.state : 'tampered',
    size: row.size,
    duration: row.duration,
    sha256: row.sha256,
    recordedBytes: row.recorded_bytes,
    removed: row.removed_at === null ? null : { at: row.removed_at, by: row.removed_by ?? '' },
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
