import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { RECORDING_STATES } from '../../domain/recording.ts';
import {
  CHANNEL_KINDS,
  END_REASONS,
  type Recording,
  SESSION_KINDS,
  SESSION_STATUSES,
  type Session,
  type SessionChannel,
} from '../../domain/session.ts';
import { isoTime, isoTimeOrNull, outId, outTime } from '../fields.ts';

const userRef = z.object({
  id: outId('usr').nullable().openapi({ description: 'Null: the user was removed since' }),
  name: z.string(),
});

const machineRef = z.object({
  id: outId('mch').nullable().openapi({ description: 'Null: the machine was removed since' }),
  name: z.string(),
});

export const sessionSchema = z
  .object({
    id: outId('sess'),
    user: userRef,
    machine: machineRef,
    login: z.string(),
    kind: z.enum(SESSION_KINDS),
    status: z.enum(SESSION_STATUSES),
    started_at: outTime,
    last_activity: outTime,
    ended_at: outTime.nullable(),
    end_reason: z.enum(END_REASONS).nullable(),
    ip_address: z.string(),
    approval: z
      .object({ id: outId('apr'), approved_by: z.string(), reason: z.string() })
      .nullable()
      .openapi({ description: 'Null: none was needed' }),
  })
  .openapi('Session');

const channelSchema = z.object({
  id: outId('chan'),
  number: z.int(),
  kind: z.enum(CHANNEL_KINDS),
  command: z.string().nullable(),
  pty: z.boolean(),
  started_at: outTime,
  ended_at: outTime.nullable(),
  exit_status: z.int().nullable(),
  exit_signal: z.string().nullable(),
  bytes_in: z.int(),
  bytes_out: z.int(),
});

export const recordingSchema = z.object({
  id: outId('rec'),
  channel: z.int(),
  state: z.enum(RECORDING_STATES),
  size: z.int().nullable(),
  duration: z.number().nullable(),
  sha256: z.string().nullable().openapi({
    description: 'Null also for who may not see secrets: a hash tells whether a guess is right',
  }),
  recorded_bytes: z
    .int()
    .nullable()
    .openapi({ description: 'Output and error that the recorder was handed' }),
  delivered_bytes: z
    .int()
    .nullable()
    .openapi({ description: 'Output and error that went to the user; equal, or it is said' }),
  started_at: outTime,
  ended_at: outTime.nullable(),
  deleted_at: outTime.nullable(),
  deleted_by: z.string().nullable(),
});

export const holdSchema = z.object({ at: outTime, by: z.string(), reason: z.string() });

export function holdView({ hold }: Session): z.infer<typeof holdSchema> | null {
  return hold === null ? null : { ...hold, at: isoTime(hold.at) };
}

export const sessionDetailSchema = sessionSchema
  .extend({
    user: userRef.extend({ email: z.string().nullable() }),
    machine: machineRef.extend({ host: z.string() }),
    user_agent: z.string(),
    commands_count: z.int(),
    exit_status: z.int().nullable(),
    bytes_in: z.int(),
    bytes_out: z.int(),
    channels: z.array(channelSchema),
    recordings: z.array(recordingSchema),
    legal_hold: holdSchema.nullable(),
  })
  .openapi('SessionDetail');

function approvalOf({ approval }: Session): z.infer<typeof sessionSchema>['approval'] {
  if (approval === null) return null;
  const { id, approvedBy, reason } = approval;
  return { id: formatId('apr', id), approved_by: approvedBy, reason };
}

export function sessionView(session: Session): z.infer<typeof sessionSchema> {
  return {
    id: formatId('sess', session.id),
    user: {
      id: session.userId === null ? null : formatId('usr', session.userId),
      name: session.userName,
    },
    machine: {
      id: session.machineId === null ? null : formatId('mch', session.machineId),
      name: session.machineName,
    },
    login: session.login,
    kind: session.kind,
    status: session.status,
    started_at: isoTime(session.startedAt),
    last_activity: isoTime(session.lastActivity),
    ended_at: isoTimeOrNull(session.endedAt),
    end_reason: session.endReason,
    ip_address: session.ipAddress,
    approval: approvalOf(session),
  };
}

function channelView(channel: SessionChannel): z.infer<typeof channelSchema> {
  return {
    id: formatId('chan', channel.id),
    number: channel.number,
    kind: channel.kind,
    command: channel.command,
    pty: channel.pty,
    started_at: isoTime(channel.startedAt),
    ended_at: isoTimeOrNull(channel.endedAt),
    exit_status: channel.exitStatus,
    exit_signal: channel.exitSignal,
    bytes_in: channel.bytesIn,
    bytes_out: channel.bytesOut,
  };
}

export function recordingView(
  recording: Recording,
  channels: readonly SessionChannel[],
  isRedacted: boolean,
): z.infer<typeof recordingSchema> {
  const channel = channels.find(({ number }) => number === recording.channel);
  return {
    id: formatId('rec', recording.id),
    channel: recording.channel,
    state: recording.state,
    size: recording.size,
    duration: recording.duration,
    sha256: isRedacted ? null : recording.sha256,
    recorded_bytes: recording.recordedBytes,
    delivered_bytes: channel === undefined || channel.endedAt === null ? null : channel.bytesOut,
    started_at: isoTime(recording.startedAt),
    ended_at: isoTimeOrNull(recording.endedAt),
    deleted_at: isoTimeOrNull(recording.removed?.at ?? null),
    deleted_by: recording.removed?.by ?? null,
  };
}

export function sessionDetailView(
  session: Session,
  channels: readonly SessionChannel[],
  recordings: readonly Recording[],
  isRedacted: boolean,
): z.infer<typeof sessionDetailSchema> {
  const summary = sessionView(session);
  return {
    ...summary,
    user: { ...summary.user, email: session.userEmail },
    machine: { ...summary.machine, host: session.machineHost },
    user_agent: session.userAgent,
    commands_count: session.commandsCount,
    exit_status: session.exitStatus,
    bytes_in: session.bytesIn,
    bytes_out: session.bytesOut,
    channels: channels.map(channelView),
    recordings: recordings.map((recording) => recordingView(recording, channels, isRedacted)),
    legal_hold: holdView(session),
  };
}
