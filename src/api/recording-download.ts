import { PosternError } from '../domain/errors.ts';
import type { RecordingView } from '../domain/recording.ts';
import { byteRange, namesEntity } from './byte-range.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { noteOpening } from './journal.ts';
import { type FoundRecording, findRecording } from './recording-files.ts';
import { type RedactWish, viewFor } from './recording-view.ts';

/** What of a recording is asked for, and how. */
export interface DownloadRequest {
  readonly id: number;
  readonly channel: number | undefined;
  readonly format: 'v2' | 'v3';
  readonly redact: RedactWish;
  readonly method: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

const CAST = 'application/x-asciicast';

/** Says of a copy with hidden secrets by which rules they are. */
const REDACTED = 'Postern-Redacted';

/** Finished recordings do not change, so their hash names them; one being written has no name. */
function etagOf(
  found: FoundRecording,
  format: 'v2' | 'v3',
  view: RecordingView | null,
): string | null {
  const { sha256, state } = found.recording;
  if (state === 'recording' || sha256 === null) return null;
  const made = view === null ? '' : `-redacted-${view.rules}`;
  return format === 'v3' ? `"${sha256}${made}"` : `"${sha256}${made}-v2"`;
}

function headersOf(
  found: FoundRecording,
  asked: DownloadRequest,
  view: RecordingView | null,
  etag: string | null,
): Headers {
  const made = view === null ? '' : '-redacted';
  const name = `session-${found.session.id}-channel-${found.recording.channel}${made}.cast`;
  const headers = new Headers({
    'Content-Type': CAST,
    'Content-Disposition': `attachment; filename="${name}"`,
    'Accept-Ranges': asked.format === 'v3' && view === null ? 'bytes' : 'none',
    Vary: 'Authorization',
    'Cache-Control': etag === null ? 'no-store' : 'private, no-cache',
  });
  if (etag !== null) headers.set('ETag', etag);
  if (view !== null) headers.set(REDACTED, view.rules);
  return headers;
}

function whole(
  deps: ApiDeps,
  found: FoundRecording,
  asked: DownloadRequest,
  view: RecordingView | null,
  headers: Headers,
): Response {
  const { key } = found.recording;
  const bodyless = asked.method === 'HEAD';
  if (asked.format === 'v2') {
    return new Response(bodyless ? null : deps.recordings.readV2(key, view ?? undefined), {
      headers,
    });
  }
  if (view !== null) {
    return new Response(bodyless ? null : deps.recordings.readShown(key, view), { headers });
  }
  headers.set('Content-Length', String(found.size));
  return new Response(bodyless ? null : deps.recordings.read(key, 0, found.size), { headers });
}

function answer(
  deps: ApiDeps,
  found: FoundRecording,
  asked: DownloadRequest,
  view: RecordingView | null,
  headers: Headers,
  etag: string | null,
): Response {
  const fresh = asked.ifRange === undefined || (etag !== null && asked.ifRange === etag);
  const isFile = asked.format === 'v3' && view === null;
  const ranged = isFile && asked.method === 'GET' && fresh;
  const range = ranged ? byteRange(asked.range, found.size) : null;
  if (range === null) return whole(deps, found, asked, view, headers);
  if (range === 'unsatisfiable') throw new PosternError('request.range', { size: found.size });
  headers.set('Content-Range', `bytes ${range.from}-${range.to - 1}/${found.size}`);
  headers.set('Content-Length', String(range.to - range.from));
  const stream = deps.recordings.read(found.recording.key, range.from, range.to);
  return new Response(stream, { status: 206, headers });
}

/**
 * The asciicast of a channel, whole or a range of it (v3 as it was sealed has ranges: the others are made on the
 * way); for who may not see secrets, a copy in which they are hidden.
 * Noted in the audit before bytes of it are handed out; ranges that follow one another are one opening.
 */
export async function downloadRecording(
  deps: ApiDeps,
  caller: Caller,
  asked: DownloadRequest,
): Promise<Response> {
  const found = await findRecording(deps, caller, asked.id, asked.channel);
  const view = await viewFor(deps, caller, found.recording, asked.redact);
  const etag = etagOf(found, asked.format, view);
  const headers = headersOf(found, asked, view, etag);
  if (etag !== null && namesEntity(asked.ifNoneMatch, etag)) {
    return new Response(null, { status: 304, headers });
  }
  if (asked.method !== 'HEAD') {
    await deps.recordings.bring(found.recording.key);
    await noteOpening(deps, caller, {
      ...{ type: 'recording.downloaded', session: found.session, recording: found.recording },
      part: asked.range !== undefined,
      detail: { format: asked.format, ...(view === null ? {} : { redacted: true }) },
    });
  }
  return answer(deps, found, asked, view, headers, etag);
}
