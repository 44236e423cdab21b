import { Agent, request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface FuzzAsked {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}

const DEADLINE = 20_000;

/** Sends requests as they are written: paths are not made proper on the way. */
export class FuzzClient implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #port: number;
  readonly #token: string;

  constructor(port: number, token: string) {
    this.#port = port;
    this.#token = token;
  }

  send(asked: FuzzAsked, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const { method, path, body } = asked;
    const type = body === null ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const sent = request({
        ...{ host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path },
        headers: { authorization: `Bearer ${this.#token}`, ...type, ...headers },
        timeout: DEADLINE,
      });
      sent.on('error', (error) => {
        // The server may close a connection that it kept just when it is used again.
        const wasClosed = sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
        if (wasClosed) this.send(asked, headers).then(resolve, reject);
        else reject(error);
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.on('response', (answer) => {
        const { statusCode: status = 0, headers: got } = answer;
        const pieces: Buffer[] = [];
        const done = (): void =>
          resolve({ status, headers: got, text: Buffer.concat(pieces).toString('utf8') });
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', done);
        // A stream of events has no end.
        if (got['content-type']?.startsWith('text/event-stream') !== true) return;
        done();
        answer.on('error', () => undefined);
        sent.destroy();
      });
      sent.end(body ?? undefined);
    });
  }

  /** The answer to a body that is announced with this many bytes, of which only the first is sent. */
  refusal({ method, path }: FuzzAsked, bytes: number): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request({
        ...{ host: '127.0.0.1', port: this.#port, agent: false, method, path },
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          'content-length': String(bytes),
        },
        timeout: DEADLINE,
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.on('response', (answer) => {
        const pieces: Buffer[] = [];
        answer.on('error', reject);
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => {
          const { statusCode: status = 0, headers } = answer;
          resolve({ status, headers, text: Buffer.concat(pieces).toString('utf8') });
          sent.on('error', () => undefined);
          sent.destroy();
        });
      });
      sent.write('{');
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
