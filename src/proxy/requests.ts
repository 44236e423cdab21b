import type { ServerChannel, Session } from 'ssh2';
import { clampWindow, type Program, type Pty, type Window } from '../domain/terminal.ts';
import { onAgentRequest, onX11Request } from '../ssh/desk.ts';
import { execBytes, onBreak, onPty } from '../ssh/pty.ts';
import type { Desk } from './desk.ts';
import { DeskAsked, type ProgramRequest } from './desk-asked.ts';

/** What runs on a channel, as far as its client's requests reach it. */
export interface RunningProgram {
  resize(window: Window): void;
  /** A signal's name without `SIG`. */
  signal(name: string): void;
  /** Milliseconds (RFC 4335). */
  sendBreak(length: number): void;
}

/** Bounds of what a client may ask for before its program starts; more is refused. */
const MOST_ENV = 128;
const LONGEST_TERM = 64;
const TERM = /^[\x21-\x7e]*$/;
const SIGNAL = /^[A-Za-z0-9@._-]{1,64}$/;

/** ssh2 gives no functions where the client wants no reply. */
type Answer = (() => unknown) | undefined;

type Accept = (() => ServerChannel | undefined) | undefined;

/** `asked`: the program that another runs instead of; null: what was asked for runs. */
export type StartProgram = (
  down: ServerChannel,
  request: ProgramRequest,
  asked: Program | null,
) => RunningProgram;

/** What a sign-in allows less than its grants; domain/certificate.ts. */
export interface ProgramTerms {
  readonly pty: boolean;
  /** Runs instead of every program; null: what is asked for. */
  readonly forceCommand: string | null;
}

/** What the forced command may look at to know what was asked for, as with OpenSSH's server. */
const ORIGINAL_COMMAND = 'SSH_ORIGINAL_COMMAND';

/**
 * What a client asks of one session channel (RFC 4254 §6), in the order in which it comes: terminal
 * and environment are kept, the program starts, the rest goes to the running channel. `start` is
 * called at once with a channel that was accepted in the same turn.
 */
export class ChannelRequests {
  readonly #start: StartProgram;
  readonly #terms: () => ProgramTerms;
  readonly #desk: DeskAsked;
  #pty: Pty | null = null;
  readonly #env: [string, string][] = [];
  #channel: RunningProgram | null = null;

  constructor(start: StartProgram, terms: () => ProgramTerms, desk: Desk) {
    this.#start = start;
    this.#terms = terms;
    this.#desk = new DeskAsked(desk);
  }

  listen(session: Session): void {
    this.#listenBefore(session);
    this.#listenPrograms(session);
    this.#listenRunning(session);
  }

  #listenBefore(session: Session): void {
    onPty(session, (accept: Answer, reject: Answer, info) => {
      const wellFormed = info.term.length <= LONGEST_TERM && TERM.test(info.term);
      if (this.#channel !== null || !wellFormed || !this.#terms().pty) {
        reject?.();
        return;
      }
      this.#pty = { term: info.term, window: clampWindow(info), modes: info.modesRaw };
      accept?.();
    });
    session.on('env', (accept: Answer, reject: Answer, info: { key: string; val: string }) => {
      if (this.#channel !== null || this.#env.length >= MOST_ENV) {
        reject?.();
        return;
      }
      this.#env.push([info.key, info.val]);
      accept?.();
    });
    onAgentRequest(session, (accept, reject) => this.#desk.askAgent(accept, reject));
    onX11Request(session, (accept, reject, fields) => this.#desk.askX11(fields, accept, reject));
  }

  #listenPrograms(session: Session): void {
    session.on('shell', (accept: Accept) => this.#begin(accept, () => ({ type: 'shell' })));
    session.on('exec', (accept: Accept, _reject: Answer, info: { command: string }) =>
      this.#begin(accept, (down) => exec(info.command, down)),
    );
    session.on('subsystem', (accept: Accept, _reject: Answer, info: { name: string }) =>
      this.#begin(accept, () => ({ type: 'subsystem', name: info.name })),
    );
  }

  #listenRunning(session: Session): void {
    session.on('window-change', (accept: Answer, _reject: Answer, info: Window) => {
      const window = clampWindow(info);
      if (this.#channel === null && this.#pty !== null) this.#pty = { ...this.#pty, window };
      this.#channel?.resize(window);
      accept?.();
    });
    session.on('signal', (accept: Answer, reject: Answer, info: { name: string }) => {
      const name = info.name.replace(/^SIG/, '');
      if (this.#channel === null || !SIGNAL.test(name)) {
        reject?.();
        return;
      }
      this.#channel.signal(name);
      accept?.();
    });
    onBreak(session, (accept: Answer, reject: Answer, { lengthMs }) => {
      if (this.#channel === null) {
        reject?.();
        return;
      }
      this.#channel.sendBreak(lengthMs);
      accept?.();
    });
  }

  #begin(accept: Accept, programOf: (down: ServerChannel) => Program): void {
    if (this.#channel !== null) return;
    const down = accept?.();
    if (down === undefined) return;
    // Without these a reset of the connection would end the process.
    down.on('error', () => undefined);
    down.stderr.on('error', () => undefined);
    const asked = programOf(down);
    const { forceCommand } = this.#terms();
    if (forceCommand === null) {
      const request = { program: asked, pty: this.#pty, env: this.#env, asked: this.#desk };
      this.#channel = this.#start(down, request, null);
      return;
    }
    const env = this.#env.filter(([name]) => name !== ORIGINAL_COMMAND);
    if (asked.type === 'exec') env.push([ORIGINAL_COMMAND, asked.command]);
    const program: Program = { type: 'exec', command: forceCommand };
    const request = { program, pty: this.#pty, env, asked: this.#desk };
    this.#channel = this.#start(down, request, asked);
  }
}

function exec(command: string, down: ServerChannel): Program {
  const bytes = execBytes(down);
  const exact = bytes === undefined || bytes.equals(Buffer.from(command));
  return exact ? { type: 'exec', command } : { type: 'exec', command, bytes };
}
