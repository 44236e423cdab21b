import type { RawData, WebSocket } from 'ws';
import { CATALOGUE, PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { TerminalEnd, WebTerminals } from '../domain/web-terminal.ts';
import { type FromUser, readMessage, type ToUser, windowOf } from './terminal-messages.ts';
import type { TerminalRoom, Ticket } from './terminal-room.ts';

/** Close codes; docs/web-terminal.md. */
const CLOSE = { over: 1000, failed: 1011, message: 4400, auth: 4401 } as const;

const AUTH_MS = 5000;

/** Milliseconds between looks at whether the user may still. */
const ACCESS_MS = 1000;

/** Looks in a row that may fail, because the database is away, before the user has to go. */
const MOST_FAILURES = 10;

/** Milliseconds in which the other side has to take something, say something or answer a ping. */
const ALIVE_MS = 30_000;

/** Milliseconds for the other side to take the last words, and to close. */
const CLOSING_MS = 2000;

/** Messages, and their bytes, that wait for the machine before no more are read. */
const MOST_WAITING = 64;
const MOST_BYTES = 128 * 1024;

/** Closed by who was there, and not broken: RFC 6455 §7.4.1. */
const LEFT: readonly number[] = [1000, 1001, 1005];

export interface TerminalHost {
  readonly sessionId: number;
  readonly terminals: WebTerminals;
  readonly room: TerminalRoom;
  /** Whether what the terminal was begun with is still valid. */
  readonly may: (ticket: Ticket) => Promise<boolean>;
  readonly log: Logger;
}

/**
 * A terminal's user at the other end of a WebSocket. Life: opened → `auth` → messages both ways → the end of
 * the session or of the socket, each of which ends the other. Who does not read is sent no more
 * than one piece, and the machine waits; so is who sends more than it reads.
 */
export class TerminalSocket {
  readonly #socket: WebSocket;
  readonly #host: TerminalHost;
  readonly #late: NodeJS.Timeout;
  readonly #ping: NodeJS.Timeout;
  readonly #gone = Promise.withResolvers<void>();
  #look: NodeJS.Timeout | undefined;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #working = false;
  #begun = false;
  #over = false;
  #alive = true;
  #looking = false;
  #failures = 0;

  constructor(socket: WebSocket, host: TerminalHost) {
    this.#socket = socket;
    this.#host = host;
    this.#late = setTimeout(() => {
      this.#refuse(CLOSE.auth, new PosternError('terminal.late', { seconds: AUTH_MS / 1000 }));
    }, AUTH_MS);
    this.#ping = setInterval(() => this.#beat(), ALIVE_MS);
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    socket.once('close', (code) => this.#closed(code));
  }

  /** As OpenTerminal.drain in terminal-room.ts. */
  async drain(): Promise<void> {
    this.#leave('drained');
    await this.#gone.promise;
  }

  #hear(data: RawData, isBinary: boolean): void {
    this.#alive = true;
    if (isBinary || !Buffer.isBuffer(data)) {
      const problem = 'it is not text';
      this.#refuse(CLOSE.message, new PosternError('terminal.message', { problem }));
      return;
    }
    this.#waiting.push(data);
    this.#bytes += data.length;
    if (this.#isFull) this.#socket.pause();
    if (this.#working) return;
    this.#working = true;
    this.#work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#working = false;
      });
  }

  get #isFull(): boolean {
    return this.#waiting.length >= MOST_WAITING || this.#bytes >= MOST_BYTES;
  }

  async #work(): Promise<void> {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#over) return;
      await this.#take(readMessage(next.toString('utf8')));
      this.#waiting.shift();
      this.#bytes -= next.length;
      if (!this.#isFull && this.#socket.isPaused) this.#socket.resume();
    }
  }

  async #take(message: FromUser): Promise<void> {
    const { terminals, sessionId } = this.#host;
    if (message.type === 'auth') return await this.#authenticate(message.token);
    if (!this.#begun) {
      throw new PosternError('terminal.message', { problem: 'the first one must be auth' });
    }
    if (message.type === 'input') return await this.#input(Buffer.from(message.data));
    if (message.type === 'resize') {
      return await terminals.resizeTerminal(sessionId, windowOf(message));
    }
    if (message.type === 'ping') await this.#send({ type: 'pong' });
  }

  async #authenticate(token: string): Promise<void> {
    const { sessionId, room, terminals, may } = this.#host;
    if (this.#begun) {
      throw new PosternError('terminal.message', { problem: 'auth was already given' });
    }
    const ticket = await room.redeem(sessionId, token);
    if (ticket === null) throw new PosternError('terminal.token');
    clearTimeout(this.#late);
    this.#begun = true;
    if (this.#over) return this.#leave('lost');
    room.opened(this);
    // Nothing begins on a machine for who may not any more.
    const isAllowed = await may(ticket);
    if (isAllowed) await terminals.startTerminal(sessionId, ticket.window);
    else this.#leave('revoked');
    this.#look = setInterval(() => this.#judge(ticket), ACCESS_MS);
    this.#pump().catch((error: unknown) => this.#fail(error));
  }

  async #input(bytes: Buffer): Promise<void> {
    const { terminals, sessionId } = this.#host;
    while (!this.#over && !(await terminals.terminalInput(sessionId, bytes)));
  }

  /** What the machine writes, a piece at a time: the next is asked for when this one has gone out. */
  async #pump(): Promise<void> {
    const { terminals, sessionId } = this.#host;
    const decoder = new TextDecoder();
    while (!this.#over) {
      const next = await terminals.terminalOutput(sessionId);
      if (next.type === 'nothing') continue;
      const ended = next.type === 'ended';
      const data = ended ? decoder.decode() : decoder.decode(next.bytes, { stream: true });
      if (data !== '') await this.#send({ type: 'output', data });
      if (ended) return await this.#ended(next.end);
    }
  }

  async #ended({ reason, exitStatus, refusal }: TerminalEnd): Promise<void> {
    if (refusal !== null) await this.#send({ type: 'error', code: reason, message: refusal });
    await this.#send({
      type: 'disconnect',
      reason,
      exit_status: exitStatus,
      message: refusal,
    });
    this.#close(CLOSE.over, 'the session has ended');
  }

  /** Settles when it is out, or never will be. */
  #send(message: ToUser): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.send(JSON.stringify(message), () => {
        this.#alive = true;
        resolve();
      });
    });
  }

  #fail(error: unknown): void {
    if (error instanceof PosternError && error.code === 'terminal.message') {
      this.#refuse(CLOSE.message, error);
    } else if (error instanceof PosternError && CATALOGUE[error.code].api === 'UNAUTHORIZED') {
      this.#refuse(CLOSE.auth, error);
    } else {
      const known = error instanceof PosternError;
      if (!known) this.#host.log.error('a terminal failed', { reason: reasonOf(error) });
      this.#refuse(CLOSE.failed, known ? error : new PosternError('internal'));
    }
  }

  #refuse(code: number, { code: name, message }: PosternError): void {
    if (this.#over) return;
    void this.#send({ type: 'error', code: name, message });
    this.#close(code, '');
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSING_MS).unref();
  }

  #beat(): void {
    // Nothing is heard of whom we do not listen to.
    if (this.#socket.isPaused) return;
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #judge(ticket: Ticket): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#host
      .may(ticket)
      .then(
        (may) => {
          this.#failures = 0;
          if (!may) this.#leave('revoked');
        },
        () => {
          this.#failures += 1;
          if (this.#failures > MOST_FAILURES) this.#leave('revoked');
        },
      )
      .finally(() => {
        this.#looking = false;
      });
  }

  /** Ends the session; what its user is to be told comes as output. */
  #leave(how: 'closed' | 'lost' | 'revoked' | 'drained'): void {
    clearInterval(this.#look);
    const { terminals, sessionId, log } = this.#host;
    terminals.leaveTerminal(sessionId, how).catch((error: unknown) => {
      log.warn('a terminal was not ended', { session: sessionId, reason: reasonOf(error) });
    });
    if (how === 'closed' || how === 'lost') return;
    // Who does not read does not hear.
    setTimeout(() => this.#socket.terminate(), CLOSING_MS).unref();
  }

  #closed(code: number): void {
    this.#over = true;
    clearTimeout(this.#late);
    clearInterval(this.#ping);
    clearInterval(this.#look);
    this.#host.room.closed(this);
    if (this.#begun) this.#leave(LEFT.includes(code) ? 'closed' : 'lost');
    this.#gone.resolve();
  }
}
