import { WebSocket } from 'ws';
import { type ApiAnswer, dataOf } from './api-call.ts';
import type { Bastion } from './bastion.ts';
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

/** One who opens terminals over the API, with a token of their own. */
export class TerminalUser {
  readonly tokenId: string;
  readonly #bastion: Bastion;
  readonly #token: string;

  private constructor(bastion: Bastion, tokenId: string, token: string) {
    this.#bastion = bastion;
    this.tokenId = tokenId;
    this.#token = token;
  }

  static async of(bastion: Bastion, user: string): Promise<TerminalUser> {
    const found = dataOf(await bastion.api(`users?search=${user}`));
    const [{ id: user_id } = { id: '' }] = (found as { users: readonly { id: string }[] }).users;
    const body = { name: `terminals of ${user}`, scopes: ['sessions:write'], user_id };
    const made = await bastion.api('tokens', { method: 'POST', body });
    const created = made.body?.data as { id: string; token: string } | undefined;
    if (created === undefined) throw new Error(made.text);
    return new TerminalUser(bastion, created.id, created.token);
  }

  async machineId(name: string): Promise<string> {
    const found = dataOf(await this.#bastion.api(`machines?search=${name}`));
    return (found as { machines: readonly { id: string }[] }).machines[0]?.id ?? '';
  }

  post(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#bastion.api(path, { method: 'POST', body, token: this.#token });
  }

  async ask(machine: string, more: object = {}): Promise<ApiAnswer> {
    return await this.post('sessions', { machine_id: await this.machineId(machine), ...more });
  }

  async make(machine: string, more: object = {}): Promise<MadeTerminal> {
    const answer = await this.ask(machine, more);
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.body?.data as MadeTerminal;
  }

  /** A terminal with a prompt. */
  async open(machine: string, more: object = {}): Promise<OpenTerminal> {
    const made = await this.make(machine, more);
    const client = await WebTerminalClient.of(made);
    client.type("PS1='$ '; echo rea''dy\r");
    await client.shows('ready');
    return { made, client, [Symbol.dispose]: () => client[Symbol.dispose]() };
  }
}

export interface OpenTerminal extends Disposable {
  readonly made: MadeTerminal;
  readonly client: WebTerminalClient;
}
