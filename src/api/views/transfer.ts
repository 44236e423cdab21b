import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import { TRANSFER_OPERATIONS, TRANSFER_PROTOCOLS, type Transfer } from '../../domain/transfer.ts';
import { isoTime, outId, outTime } from '../fields.ts';

export const transferSchema = z
  .object({
    id: outId('tfr'),
    channel: z.int(),
    protocol: z.enum(TRANSFER_PROTOCOLS),
    operation: z.enum(TRANSFER_OPERATIONS),
    path: z.string(),
    target: z.string().nullable().openapi({ description: 'Of a rename, a link, a copy' }),
    direction: z.enum(['upload', 'download', 'both']).nullable(),
    bytes_read: z.int(),
    bytes_written: z.int(),
    result: z.string().openapi({ description: 'ok, or how it failed; cut: its end was not seen' }),
    sha256: z
      .string()
      .nullable()
      .openapi({ description: 'Of all bytes that went, where they went in order from the first' }),
    sequential: z.boolean(),
    started_at: outTime,
    duration: z.int().openapi({ description: 'Milliseconds' }),
  })
  .openapi('Transfer');

/** `shown`: a text as its reader may see it. */
export function transferView(
  transfer: Transfer,
  shown: (text: string) => string,
): z.infer<typeof transferSchema> {
  return {
    id: formatId('tfr', transfer.id),
    channel: transfer.channel,
    protocol: transfer.protocol,
    operation: transfer.operation,
    path: shown(transfer.path),
    target: transfer.target === null ? null : shown(transfer.target),
    direction: transfer.direction,
    bytes_read: transfer.bytesRead,
    bytes_written: transfer.bytesWritten,
    result: transfer.result,
    sha256: transfer.sha256,
    sequential: transfer.sequential,
    started_at: isoTime(transfer.startedAt),
    duration: transfer.duration,
  };
}
