import { createHmac, randomBytes } from 'node:crypto';
import { PosternError } from '../domain/errors.ts';
import type { RecordingView } from '../domain/recording.ts';
import { byteRange, namesEntity } from './byte-range.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { noteOpening } from './journal.ts';
import { type FoundRecording, findRecording, refuseLocked } from './recording-files.ts';
import { type RedactWish, viewFor } from './recording-view.ts';

/** What of a recording is asked for, and how. */
export interface DownloadRequest {
  readonly id: number;
  readonly channel: number | undefined;
  /** Null: the file as it lies, which is asciicast v3 or encrypted. */
  readonly format: 'v2' | 'v3' | null;
  readonly redact: RedactWish;
  readonly method: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** What is handed out. */
interface Wanted {
  /** The file as it lies, or what is made of it on the way. */
  readonly form: 'file' | 'v2' | 'v3';
  /** Of the file: whether that is encrypted. */
  readonly isEncrypted: boolean;
  /** Null: nothing is hidden. */
  readonly view: RecordingView | null;
}

/** Says of a copy with hidden secrets by which rules they are. */
const REDACTED = 'Postern-Redacted';

/**
 * Who may not see what is secret gets a copy without it; of a recording that nothing here opens the file, which
 * is closed to them too. Throws `recording.encrypted` for what cannot be made, and as `viewFor`.
 */
async function wantedOf(
  deps: ApiDeps,
  caller: Caller,
  { recording }: FoundRecording,
  { format, redact }: DownloadRequest,
): Promise<Wanted> {
  const locking = await deps.recordings.locking(recording.key);
  const { isEncrypted } = locking;
  const asFile = format === null && redact !== '1';
  if (asFile && locking.lockedTo !== null) return { form: 'file', isEncrypted, view: null };
  refuseLocked(recording, locking);
  const view = await viewFor(deps, caller, recording, redact);
  if (format === 'v2') return { form: 'v2', isEncrypted, view };
  const isFile = view === null && (format === null || !isEncrypted);
  return { form: isFile ? 'file' : 'v3', isEncrypted, view };
}

/** Of this process: who has it can try guesses at what is hidden. */
const REDACTED_KEY = randomBytes(32);

/**
 * Finished recordings do not change, so their hash names them; one being written has no name. A copy
 * with hidden secrets has another, that says nothing of them, until the next start.
 */
function etagOf(found: FoundRecording, { form, view }: Wanted): string | null {
  const { sha256, state } = found.recording;
  if (state === 'recording' || sha256 === null) return null;
  if (view === null) return `"${sha256}${form === 'file' ? '' : `-${form}`}"`;
  const hidden = createHmac('sha256', REDACTED_KEY).update(`${sha256} ${view.rules}`);
  return `"${hidden.digest('hex')}-redacted-${form}"`;
}

function headersOf(found: FoundRecording, wanted: Wanted, etag: string | null): Headers {
  const { form, isEncrypted, view } = wanted;
  const made = view === null ? '' : '-redacted';
  const name = `session-${found.session.id}-channel-${found.recording.channel}${made}.cast`;
  const isCast = form !== 'file' || !isEncrypted;
  const headers = new Headers({
    'Content-Type': isCast ? 'application/x-asciicast' : 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${name}${isCast ? '' : '.encrypted'}"`,
    'Accept-Ranges': form === 'file' ? 'bytes' : 'none',
    Vary: 'Authorization',
    'Cache-Control': etag === null ? 'no-store' : 'private, no-cache',
  });
  if (etag !== null) headers.set('ETag', etag);
  if (view !== null) headers.set(REDACTED, view.rules);
  return headers;
}

function whole(
  { recordings }: ApiDeps,
  found: FoundRecording,
  { form, view }: Wanted,
  method: string,
  headers: Headers,
): Response {
  const { key } = found.recording;
  if (form === 'file') headers.set('Content-Length', String(found.size));
  if (method === 'HEAD') return new Response(null, { headers });
  switch (form) {
    case 'file':
      return new Response(recordings.read(key, 0, found.size), { headers });
    case 'v2':
      return new Response(recordings.readV2(key, view ?? undefined), { headers });
    case 'v3':
      return new Response(
        view === null ? recordings.readPlain(key) : recordings.readShown(key, view),
        { headers },
      );
  }
}

function answer(
  deps: ApiDeps,
  found: FoundRecording,
  asked: DownloadRequest,
  wanted: Wanted,
  headers: Headers,
): Response {
  const { form } = wanted;
  const etag = headers.get('ETag');
  const fresh = asked.ifRange === undefined || (etag !== null && asked.ifRange === etag);
  const ranged = form === 'file' && asked.method === 'GET' && fresh;
  const range = ranged ? byteRange(asked.range, found.size) : null;
  if (range === null) return whole(deps, found, wanted, asked.method, headers);
  if (range === 'unsatisfiable') throw new PosternError('request.range', { size: found.size });
  headers.set('Content-Range', `bytes ${range.from}-${range.to - 1}/${found.size}`);
  headers.set('Content-Length', String(range.to - range.from));
  const stream = deps.recordings.read(found.recording.key, range.from, range.to);
  return new Response(stream, { status: 206, headers });
}

/**
 * A channel's recording, whole or a range of it (the file as it lies alone has ranges: what else there is is made
 * on the way); for who may not see secrets, a copy in which they are hidden.
 * Noted in the audit before bytes of it are handed out; ranges that follow one another are one opening.
 */
export async function downloadRecording(
  deps: ApiDeps,
  caller: Caller,
  asked: DownloadRequest,
): Promise<Response> {
  const found = await findRecording(deps, caller, asked.id, asked.channel);
  const { recording, session } = found;
  await deps.recordings.bring(recording.key);
  const wanted = await wantedOf(deps, caller, found, asked);
  const etag = etagOf(found, wanted);
  const headers = headersOf(found, wanted, etag);
  if (etag !== null && namesEntity(asked.ifNoneMatch, etag)) {
    return new Response(null, { status: 304, headers });
  }
  if (asked.method !== 'HEAD') {
    const isSealed = wanted.form === 'file' && wanted.isEncrypted;
    await noteOpening(deps, caller, {
      ...{ type: 'recording.downloaded', session, recording },
      part: asked.range !== undefined,
      detail: {
        format: isSealed ? 'encrypted' : (asked.format ?? 'v3'),
        ...(wanted.view === null ? {} : { redacted: true }),
      },
    });
  }
  return answer(deps, found, asked, wanted, headers);
}
