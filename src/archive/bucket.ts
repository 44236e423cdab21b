import { AwsClient } from 'aws4fetch';
import type { ArchiveCredentials, ArchivePlace } from '../domain/archive.ts';
import { BucketError, errorOfAnswer, errorOfWay } from './bucket-error.ts';
import { type Digest, digestOf } from './digest.ts';
import { Idle, watched } from './idle.ts';
import { elementsOf, escapeXml, textOf } from './xml.ts';

/** Milliseconds that an answer without much in it may take. */
const ANSWER_MS = 30_000;

/** Bytes in a millisecond: who takes or gives less is away. */
const LEAST_SPEED = 64;

/** Putting parts together may take the store a while. */
const COMPLETE_MS = 300_000;

/** Bytes of an answer that is no recording. */
const LONGEST_ANSWER = 1024 * 1024;

const NOTHING = new Uint8Array(0);

interface Asked {
  readonly what: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Of the object; '': of the bucket. */
  readonly name: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly digest?: Digest;
  readonly ms?: number;
}

/** What the store says of an object. */
export interface StoredObject {
  readonly bytes: number;
  /** Without its quotes. */
  readonly etag: string;
}

/**
 * A bucket in an S3-compatible store. Each call asks once, has a deadline, and rejects with BucketError;
 * names are whole, with the prefix.
 */
export class Bucket {
  readonly #place: ArchivePlace;
  readonly #client: AwsClient;
  readonly #answerMs: number;
  readonly #closing = new AbortController();

  /** `answerMs`: that an answer, or the next piece of one, may take. */
  constructor(place: ArchivePlace, credentials: ArchiveCredentials, answerMs = ANSWER_MS) {
    this.#place = place;
    this.#answerMs = answerMs;
    const sessionToken = credentials.sessionToken?.expose();
    this.#client = new AwsClient({
      accessKeyId: credentials.accessKey.expose(),
      secretAccessKey: credentials.secretKey.expose(),
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region: place.region,
    });
  }

  /** The object's name of a recording's key. */
  nameOf(key: string): string {
    return `${this.#place.prefix}${key}`;
  }

  /** Ends what is under way; nothing can be asked after it. */
  close(): void {
    this.#closing.abort(new BucketError('away', 'the server stops'));
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Whether it is there, and may be looked into. */
  async probe(): Promise<void> {
    const query = { 'list-type': '2', 'max-keys': '1', prefix: this.#place.prefix };
    await this.#short({ what: 'looking into the bucket', method: 'GET', name: '', query });
  }

  async put(name: string, body: Uint8Array<ArrayBuffer>, digest: Digest): Promise<void> {
    await this.#short({ what: 'sending a recording', method: 'PUT', name, body, digest });
  }

  /** Null: there is no such object. */
  async head(name: string): Promise<StoredObject | null> {
    const what = 'asking about a recording';
    try {
      const response = await this.#ask({ what, method: 'HEAD', name });
      await response.body?.cancel();
      return sizeAndTag(response);
    } catch (error) {
      if (error instanceof BucketError && error.trouble === 'gone') return null;
      throw error;
    }
  }

  /** Its bytes; a piece that is waited for too long ends them with an error. */
  async get(name: string): Promise<StoredObject & { readonly body: AsyncIterable<Uint8Array> }> {
    const what = 'fetching a recording';
    const idle = new Idle(this.#answerMs);
    try {
      const response = await this.#ask({ what, method: 'GET', name }, idle.signal);
      return { ...sizeAndTag(response), body: watched(what, response, idle) };
    } catch (error) {
      idle.end();
      throw error;
    }
  }

  /** Also where it is not there. */
  async remove(name: string): Promise<void> {
    await this.#unlessGone({ what: 'deleting a recording', method: 'DELETE', name });
  }

  /** Answers the upload's id. */
  async createUpload(name: string): Promise<string> {
    const what = 'beginning an upload';
    const xml = await this.#short({ what, method: 'POST', name, query: { uploads: '' } });
    const id = textOf(xml, 'UploadId');
    if (id === '') throw new BucketError('refused', `${what}: the store gave no id`);
    return id;
  }

  /** The ids of uploads to this object that were begun, and neither completed nor aborted. */
  async uploads(name: string): Promise<readonly string[]> {
    const query = { uploads: '', prefix: name };
    const xml = await this.#short({ what: 'asking for uploads', method: 'GET', name: '', query });
    const uploads = elementsOf(xml, 'Upload');
    return uploads
      .filter((upload) => textOf(upload, 'Key') === name)
      .map((upload) => textOf(upload, 'UploadId'));
  }

  /** Answers the part's ETag. `number` is from 1. */
  async putPart(
    name: string,
    upload: string,
    number: number,
    body: Uint8Array<ArrayBuffer>,
    digest: Digest,
  ): Promise<string> {
    const query = { partNumber: String(number), uploadId: upload };
    const response = await this.#ask({
      ...{ what: 'sending a part of a recording', method: 'PUT', name, query, body, digest },
    });
    await response.body?.cancel();
    return tagOf(response);
  }

  async complete(name: string, upload: string, etags: readonly string[]): Promise<void> {
    const what = 'completing an upload';
    const parts = etags.map(
      (etag, at) =>
        `<Part><PartNumber>${at + 1}</PartNumber><ETag>"${escapeXml(etag)}"</ETag></Part>`,
    );
    const body = Buffer.from(
      `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`,
    );
    const query = { uploadId: upload };
    const xml = await this.#short({ what, method: 'POST', name, query, body, ms: COMPLETE_MS });
    // S3 may answer 200 before it knows.
    const code = xml.includes('<Error>') ? textOf(xml, 'Code') : '';
    if (code !== '') throw errorOfAnswer(what, code === 'InternalError' ? 500 : 400, code);
  }

  /** Also where there is none. */
  async abort(name: string, upload: string): Promise<void> {
    const query = { uploadId: upload };
    await this.#unlessGone({ what: 'aborting an upload', method: 'DELETE', name, query });
  }

  async #unlessGone(asked: Asked): Promise<void> {
    try {
      await this.#short(asked);
    } catch (error) {
      if (!(error instanceof BucketError) || error.trouble !== 'gone') throw error;
    }
  }

  /** The text of an answer that is short. */
  async #short(asked: Asked): Promise<string> {
    return await textWithin(asked.what, await this.#ask(asked));
  }

  /** Rejects unless the answer is a success; then its body is yet to be read. */
  async #ask(asked: Asked, signal?: AbortSignal): Promise<Response> {
    const { what, method, name, body } = asked;
    const ms = (asked.ms ?? this.#answerMs) + Math.ceil((body?.length ?? 0) / LEAST_SPEED);
    // A fetched body takes its time: its pieces have the deadline then.
    const late = signal === undefined ? [AbortSignal.timeout(ms)] : [signal];
    let response: Response;
    try {
      const request = await this.#client.sign(this.#urlOf(asked), {
        method,
        headers: headersOf(asked),
        redirect: 'manual',
        signal: AbortSignal.any([this.#closing.signal, ...late]),
        ...(body === undefined ? {} : { body }),
      });
      response = await fetch(request);
    } catch (error) {
      throw errorOfWay(what, error);
    }
    if (response.ok) return response;
    const xml = method === 'HEAD' ? '' : await textWithin(what, response);
    // An answer to HEAD has no body; whether it is the bucket that is missing, the next call says.
    if (name !== '' || response.status !== 404) {
      throw errorOfAnswer(what, response.status, textOf(xml, 'Code'));
    }
    throw errorOfAnswer(what, response.status, 'NoSuchBucket');
  }

  #urlOf({ name, query = {} }: Asked): URL {
    const { endpoint, bucket, pathStyle } = this.#place;
    const url = new URL(endpoint);
    if (pathStyle) url.pathname += `${bucket}/`;
    else url.hostname = `${bucket}.${url.hostname}`;
    url.pathname += name;
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }
}

/** The hash of the body is signed; MD5 is what every store checks on arrival. */
function headersOf({ method, body = NOTHING, digest = digestOf(body) }: Asked): Headers {
  const headers = new Headers({ 'x-amz-content-sha256': digest.sha256 });
  if (method === 'PUT') {
    headers.set('Content-MD5', Buffer.from(digest.md5, 'hex').toString('base64'));
    headers.set('Content-Type', 'application/octet-stream');
  }
  return headers;
}

function tagOf(response: Response): string {
  return (response.headers.get('ETag') ?? '').replace(/^(?:W\/)?"(.*)"$/, '$1');
}

function sizeAndTag(response: Response): StoredObject {
  const length = response.headers.get('Content-Length');
  return { bytes: length === null ? Number.NaN : Number(length), etag: tagOf(response) };
}

async function textWithin(what: string, response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body ?? []) {
      length += piece.length;
      if (length > LONGEST_ANSWER) throw new Error('the answer is too long');
      pieces.push(piece);
    }
  } catch (error) {
    throw errorOfWay(what, error);
  }
  return Buffer.concat(pieces).toString('utf8');
}
