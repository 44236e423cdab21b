import { WebSocket } from 'ws';
import { eventually } from './eventually.ts';

/** One message of a browser's terminal, as far as tests look. */
export interface TerminalMessage {
  readonly type: string;
  readonly data?: string;
  readonly code?: string;
  readonly message?: string | null;
  readonly reason?: string;
  readonly exit_status?: number | null;
}

/** What POST /v1/sessions answers. */
export interface MadeTerminal {
  readonly session_id: string;
  readonly websocket_url: string;
  readonly token: string;
  readonly expires_at: string;
}

/** A client of `WS /v1/sessions/:id/ws`. */
export class WebTerminalClient implements Disposable {
  readonly socket: WebSocket;
  readonly messages: TerminalMessage[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<number>;
  /** The HTTP status, when the server refused. */
  readonly refused: Promise<number>;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, { headers });
    this.socket.on('error', () => undefined);
    this.opened = new Promise((resolve) => this.socket.once('open', () => resolve()));
    this.closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
    this.refused = new Promise((resolve) =>
      this.socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode ?? 0)),
    );
    this.socket.on('message', (data: Buffer) =>
      this.messages.push(JSON.parse(data.toString()) as TerminalMessage),
    );
  }

  /** Open and authenticated. */
  static async of(made: MadeTerminal): Promise<WebTerminalClient> {
    const client = new WebTerminalClient(made.websocket_url);
    await client.opened;
    client.send({ type: 'auth', token: made.token });
    return client;
  }

  /** All output so far. */
  get text(): string {
    return this.messages.map(({ type, data = '' }) => (type === 'output' ? data : '')).join('');
  }

  get last(): TerminalMessage | undefined {
    return this.messages.at(-1);
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  type(data: string): void {
    this.send({ type: 'input', data });
  }

  async shows(text: string, deadlineMs?: number): Promise<void> {
    await eventually(`the terminal shows ${text}`, () => this.text.includes(text), deadlineMs);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
