import { PosternError } from '../../domain/errors.ts';
import type { ProgramAccess } from '../../domain/program-access.ts';
import type { EndReason } from '../../domain/session.ts';
import { exitNumber, type Window } from '../../domain/terminal.ts';
import type { TerminalEnd, TerminalLeave, TerminalOutput } from '../../domain/web-terminal.ts';
import type { ExitInfo } from '../../ssh/channel.ts';
import type { Need } from '../approvals.ts';
import { permittedNow } from '../approvals.ts';
import { GatewayChannel } from '../channel.ts';
import { type Refusal, refusalOf } from '../refusal.ts';
import type { GatewaySession } from '../session.ts';
import { WebEnd } from './web-end.ts';

/** What browsers' terminals understand. */
const TERM = 'xterm-256color';

/** No modes: the machine's defaults (RFC 4254 §8: TTY_OP_END alone). */
const MODES = new Uint8Array([0]);

const REASONS: Readonly<Record<TerminalLeave, EndReason>> = {
  closed: 'client_closed',
  lost: 'client_lost',
  unused: 'unused',
  revoked: 'access_revoked',
  drained: 'drained',
};

/** What a user who is still there is told. */
function wordsOf(how: TerminalLeave): Refusal | null {
  if (how === 'revoked') return refusalOf(new PosternError('terminal.revoked'));
  return how === 'drained' ? refusalOf(new PosternError('session.draining')) : null;
}

function exitStatusOf(exit: ExitInfo | null): number | null {
  if (exit === null) return null;
  return 'status' in exit ? exit.status : exitNumber({ type: 'signal', ...exit });
}

/** One session with a terminal that is not at an SSH connection: dialled at once, its shell when asked. */
export class WebTerminal {
  readonly session: GatewaySession;
  readonly #need: Need<ProgramAccess>;
  readonly #end = new WebEnd();
  #channel: GatewayChannel | null = null;

  constructor(session: GatewaySession, need: Need<ProgramAccess>) {
    this.session = session;
    this.#need = need;
    // Whoever comes to a machine that was not reached is told so by the session.
    session.upstream().catch((error: unknown) => void session.fail(error));
  }

  /** False: it has begun already. */
  start(window: Window): boolean {
    if (this.#channel !== null) return false;
    const { session } = this;
    const request = {
      program: { type: 'shell' },
      pty: { term: TERM, window, modes: MODES },
      env: [],
    } as const;
    this.#channel = new GatewayChannel(this.#end, request, () => {
      if (session.ending) return Promise.resolve({ session, access: NONE });
      return Promise.resolve({ session, access: permittedNow(session.route, this.#need) });
    });
    void this.#channel.done.then(() => session.end('client_closed', null));
    return true;
  }

  async output(): Promise<TerminalOutput> {
    const bytes = await this.#end.output();
    if (bytes !== null) return { type: 'output', bytes };
    if (this.#end.ended === null) return { type: 'nothing' };
    return { type: 'ended', end: await this.#how() };
  }

  input(bytes: Uint8Array): Promise<boolean> {
    return this.#end.input(bytes);
  }

  resize(window: Window): void {
    this.#channel?.resize(window);
  }

  /** Settles when the session has ended. */
  async leave(how: TerminalLeave): Promise<void> {
    const { session } = this;
    const told = wordsOf(how);
    const ending = session.end(REASONS[how], told);
    if (told === null) this.#end.gone();
    await ending;
  }

  async #how(): Promise<TerminalEnd> {
    const { ended } = this.#end;
    const reason = await this.session.ended;
    const refusal = ended?.refusal ?? this.session.farewell?.text ?? null;
    return { reason, exitStatus: exitStatusOf(ended?.exit ?? null), refusal };
  }
}

/** Of a channel that finds its session ended: it never begins. */
const NONE: ProgramAccess = {
  allowed: true,
  ways: 'any',
  limits: { until: null, maxSession: null, idleTimeout: null },
};
