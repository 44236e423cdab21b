import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { PosternError } from '../domain/errors.ts';
import {
  PLAYED_WHOLE,
  type ReplayIndex,
  type Replays,
  type SegmentRequest,
} from '../domain/replay.ts';
import { byteRange, namesEntity } from './byte-range.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';
import { type FoundRecording, findRecording, lockedError } from './recording-files.ts';
import { isRedacted } from './recording-view.ts';

const plain = promisify(gunzip);

/** Bytes beyond which no browser is given a recording whole: it holds ten times as much then. */
const MOST_WHOLE = 50_000_000;

/** Of a segment's JSON; the largest that is made is some 5 MB. */
const MOST_SEGMENT = 64 * 1024 * 1024;

/** A segment never changes under its address; who signed in may change, so not for long. */
const SEGMENT_CACHE = 'private, max-age=86400, immutable';

/** How a recording is to be played. */
export type ReplayAnswer =
  | { readonly play: 'whole'; readonly note?: string }
  | { readonly play: 'segments' }
  | { readonly play: 'soon'; readonly progress: number }
  | { readonly play: 'never'; readonly note: string };

const NO_INDEX = 'It could not be prepared for quick seeking';

async function without(deps: ApiDeps, found: FoundRecording): Promise<ReplayAnswer> {
  const locked = lockedError(found.recording, await deps.recordings.locking(found.recording.key));
  if (locked !== null) return { play: 'never', note: locked.message };
  if (found.size <= MOST_WHOLE) return { play: 'whole', note: `${NO_INDEX}: it is played whole.` };
  return { play: 'never', note: `${NO_INDEX}, and is too long to be played whole. Download it.` };
}

/** How the replay page is to play a channel; prepares its index. Throws as `findRecording`. */
export async function replayAnswer(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number,
): Promise<ReplayAnswer> {
  const found = await findRecording(deps, caller, id, channel);
  const { key, state } = found.recording;
  if (state === 'recording' || found.size < PLAYED_WHOLE) return { play: 'whole' };
  const index = await replaysFor(deps, caller).prepare(key);
  switch (index.state) {
    case 'ready':
      return { play: 'segments' };
    case 'preparing':
      return { play: 'soon', progress: index.progress };
    case 'failed':
      return await without(deps, found);
  }
}

/** Of how the caller may see recordings. */
function replaysFor(deps: ApiDeps, caller: Caller): Replays {
  return isRedacted(caller, undefined) ? deps.redactedReplays : deps.replays;
}

/** In the form of asciinema-player 3.17.0 (src/driver/recording/segmented.js). */
function playerIndex(base: string, index: ReplayIndex) {
  const { build, duration, cols, rows, starts } = index;
  const markers = index.markers.map(([at, words]): [number, string] => [at, words]);
  const segments = starts.map((start, at) => ({ start, url: `${base}${build}/${at}` }));
  return { version: 1 as const, duration, term: { cols, rows }, markers, segments };
}

/**
 * What a player begins with; the segments' addresses begin with `base`. Noted in the audit as a
 * viewing. Throws as `findRecording`, and `request.not_found` where there is none yet.
 */
export async function viewedIndex(
  deps: ApiDeps,
  caller: Caller,
  { id, channel, base }: { readonly id: number; readonly channel: number; readonly base: string },
) {
  const { session, recording } = await findRecording(deps, caller, id, channel);
  const index = await replaysFor(deps, caller).index(recording.key);
  if (index === null) throw new PosternError('request.not_found');
  await note(deps.store, caller, deps.clock(), 'recording.viewed', {
    sessionId: id,
    machineId: session.machineId,
    detail: { channel },
  });
  return playerIndex(base, index);
}

/** The same for the console's player, with addresses relative to its own. */
export async function replayIndex(
  deps: ApiDeps,
  caller: Caller,
  id: number,
  channel: number,
): Promise<Response> {
  const index = await viewedIndex(deps, caller, { id, channel, base: '' });
  return Response.json(index, { headers: { 'Cache-Control': 'no-store' } });
}

/** RFC 9110 §12.5.3, as far as browsers go. */
function takesGzip(header: string | undefined): boolean {
  return /(?:^|[\s,])(?:gzip|\*)(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(header ?? '');
}

/** A segment, compressed as it lies for who takes that. The opening of its index was noted. */
export async function replaySegment(
  deps: ApiDeps,
  caller: Caller,
  asked: SegmentRequest,
): Promise<Response> {
  const { build, segment } = asked;
  const { recording } = await findRecording(deps, caller, asked.id, asked.channel);
  const packed = await replaysFor(deps, caller).segment(recording.key, build, segment);
  if (packed === null) throw new PosternError('request.not_found');
  const isPacked = takesGzip(asked.acceptEncoding);
  const etag = `"${build}-${segment}${isPacked ? '-gzip' : ''}"`;
  const headers = new Headers({
    'Content-Type': 'application/json',
    'Cache-Control': SEGMENT_CACHE,
    Vary: 'Accept-Encoding, Authorization, Cookie',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  });
  if (namesEntity(asked.ifNoneMatch, etag)) return new Response(null, { status: 304, headers });
  if (isPacked) headers.set('Content-Encoding', 'gzip');
  const body = isPacked ? packed : await plain(packed, { maxOutputLength: MOST_SEGMENT });
  return partOf(new Uint8Array(body), asked, headers, etag);
}

/** All of it, or the range that was asked for: of its bytes as they are encoded (RFC 9110 §14). */
function partOf(
  body: Uint8Array<ArrayBuffer>,
  { method, range, ifRange }: SegmentRequest,
  headers: Headers,
  etag: string,
): Response {
  const size = body.length;
  const isRanged = method === 'GET' && (ifRange === undefined || ifRange === etag);
  const part = isRanged ? byteRange(range, size) : null;
  if (part === 'unsatisfiable') throw new PosternError('request.range', { size });
  const { from, to } = part ?? { from: 0, to: size };
  headers.set('Content-Length', String(to - from));
  if (part !== null) headers.set('Content-Range', `bytes ${from}-${to - 1}/${size}`);
  const sent = method === 'HEAD' ? null : body.subarray(from, to);
  return new Response(sent, { status: part === null ? 200 : 206, headers });
}
