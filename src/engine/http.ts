import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { type EnginePlace, enginePlace } from '../domain/engine-address.ts';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import { engineCertificates } from './certificates.ts';
import { unreachable } from './unreachable.ts';

/** From the dial to the end of an answer, in milliseconds. */
const ANSWER_MS = 30_000;

/** The most of an answer that is read, in bytes: a list of thousands of containers. */
const MOST_ANSWER = 16 * 1024 * 1024;

/** Between two signs of life on a connection that says nothing, in milliseconds. */
const KEEPALIVE_MS = 15_000;

export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Sent as JSON; left out: nothing is. */
  readonly body?: unknown;
}

export interface EngineAnswer {
  readonly status: number;
  /** What JSON it was; undefined: none. */
  readonly body: unknown;
  /** What it says that it is; empty: nothing. */
  readonly server: string;
}

/** HTTP to one engine. Each request has a connection of its own. */
export class EngineHttp {
  readonly #address: string;
  readonly #place: EnginePlace;
  readonly #certificates: string | null;

  /** `certificates`: as in certificates.ts. Throws PosternError `engine.address`. */
  constructor(address: string, certificates: string | null) {
    this.#address = address;
    this.#place = enginePlace(address);
    this.#certificates = certificates;
  }

  /** Whatever the answer's status. Rejects with `engine.unreachable`. */
  async ask(request: EngineRequest): Promise<EngineAnswer> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    try {
      const response = await this.#begin(request, signal);
      return await answerOf(response);
    } catch (error) {
      throw unreachable(this.#address, error);
    }
  }

  /**
   * An answer that goes on for as long as the engine has something to say, until it is destroyed.
   * Rejects with `engine.unreachable` and `engine.refused`.
   */
  async stream(request: EngineRequest): Promise<http.IncomingMessage> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const response = await this.#begin(request, late.signal);
      if (response.statusCode === 200) return response;
      throw this.refused(await answerOf(response));
    } catch (error) {
      throw unreachable(this.#address, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Has the connection itself become the streams of a program. Rejects with `engine.unreachable`,
   * or answers what the engine said instead.
   */
  async upgrade(request: EngineRequest): Promise<Duplex | EngineAnswer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const headers = { connection: 'Upgrade', upgrade: 'tcp' };
      const sent = this.#send(request, late.signal, headers);
      return await new Promise<Duplex | EngineAnswer>((resolve, reject) => {
        sent.once('error', reject);
        sent.once('upgrade', (_response, socket, head) => {
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
        });
        sent.once('response', (response: http.IncomingMessage) => {
          answerOf(response).then(resolve, reject);
        });
      });
    } catch (error) {
      throw unreachable(this.#address, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What an answer that is no success means. */
  refused({ status, body }: EngineAnswer): PosternError {
    const said = body instanceof Object && 'message' in body ? String(body.message) : '';
    const reason = printable(said === '' ? `HTTP status ${status}` : said, 300);
    const cause = new Error(`${this.#address}: ${reason}`);
    return new PosternError('engine.refused', { reason }, { cause });
  }

  #begin(request: EngineRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
    const sent = this.#send(request, signal, {});
    return new Promise((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', resolve);
    });
  }

  #send(
    { method, path, body }: EngineRequest,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>>,
  ): http.ClientRequest {
    const payload = body === undefined ? null : JSON.stringify(body);
    const options: http.RequestOptions = {
      method,
      path,
      signal,
      agent: false,
      headers: {
        // Over TCP the host is what its certificate is held against.
        ...(this.#place.type === 'unix' && { host: 'engine' }),
        ...headers,
        ...(payload !== null && {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(payload)),
        }),
      },
    };
    const sent = this.#dial(options);
    sent.once('socket', (socket) => socket.setKeepAlive(true, KEEPALIVE_MS));
    sent.end(payload ?? undefined);
    return sent;
  }

  #dial(options: http.RequestOptions): http.ClientRequest {
    const place = this.#place;
    if (place.type === 'unix') return http.request({ ...options, socketPath: place.path });
    const { host, port } = place;
    const certificates = engineCertificates(this.#certificates, host, this.#address);
    return https.request({ ...options, ...certificates, host, port, minVersion: 'TLSv1.2' });
  }
}

async function answerOf(response: http.IncomingMessage): Promise<EngineAnswer> {
  const { statusCode: status = 0, headers } = response;
  return { status, body: await jsonOf(response), server: String(headers['server'] ?? '') };
}

async function jsonOf(response: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_ANSWER) throw new Error(`its answer is longer than ${MOST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '' || !/json/.test(response.headers['content-type'] ?? '')) return undefined;
  return JSON.parse(text) as unknown;
}
