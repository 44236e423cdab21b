import xterm from '@xterm/headless';
import { WebSocket } from 'ws';
import { type AlisFrame, readAlis } from './alis.ts';
import { eventually } from './eventually.ts';

interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A viewer of `GET /v1/sessions/:id/live`, with an emulator that shows what it was sent. */
export class Watcher implements Disposable {
  readonly frames: AlisFrame[] = [];
  /** Of each frame. */
  readonly times: number[] = [];
  /** How the server answered, when it refused. */
  readonly refused: Promise<{ readonly status: number; readonly body: string }>;
  readonly closed: Promise<Closed>;
  readonly socket: WebSocket;
  #emulator: xterm.Terminal = new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true });

  constructor(url: string, headers: Readonly<Record<string, string>>, protocols = ['v1.alis']) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers });
    this.socket.on('error', () => undefined);
    this.refused = new Promise((resolve) => {
      this.socket.once('unexpected-response', (_, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.socket.on('message', (message: Buffer) => this.#take(readAlis(message)));
  }

  #take(frame: AlisFrame | null): void {
    if (frame === null) return;
    this.frames.push(frame);
    this.times.push(performance.now());
    if (frame.type === 'reset') {
      this.#emulator.dispose();
      const { cols, rows } = frame;
      this.#emulator = new xterm.Terminal({ cols, rows, allowProposedApi: true });
      this.#emulator.write(frame.text);
    } else if (frame.type === 'resize') {
      this.#emulator.resize(frame.cols, frame.rows);
    } else if (frame.type === 'output') {
      this.#emulator.write(frame.text);
    }
  }

  /** The visible rows, each without spaces at its end. */
  get rows(): string[] {
    const buffer = this.#emulator.buffer.active;
    return Array.from({ length: this.#emulator.rows }, (_, row) =>
      (buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  get text(): string {
    return this.rows.join('\n').trimEnd();
  }

  async shows(text: string, deadlineMs?: number): Promise<void> {
    await eventually(`the viewer sees ${text}`, () => this.text.includes(text) || null, deadlineMs);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
    this.#emulator.dispose();
  }
}
