import type { AuthorizedRoute } from '../../domain/access.ts';
import type { SignedIn } from '../../domain/control-plane.ts';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import type { ProgramAccess } from '../../domain/program-access.ts';
import type { Window } from '../../domain/terminal.ts';
import type {
  MachineTrial,
  TerminalLeave,
  TerminalOutput,
  WantedTerminal,
  WebTerminals,
} from '../../domain/web-terminal.ts';
import { type Need, permittedNow } from '../approvals.ts';
import { Denials } from '../denials.ts';
import { programNeed } from '../program-need.ts';
import { type Refusal, refusalOf } from '../refusal.ts';
import { GatewaySession, type SessionDeps } from '../session.ts';
import { tried } from './trial.ts';
import { WaitingTerminal } from './waiting-terminal.ts';
import { WebTerminal } from './web-terminal.ts';

/** Terminals of one process, and requests for approval of such that wait. */
const MOST_TERMINALS = 1000;
const MOST_WAITING = 200;

const SHELL = { type: 'shell' } as const;

interface Allowed {
  readonly user: SignedIn;
  readonly route: AuthorizedRoute;
}

/** The terminals of this process; see domain/web-terminal.ts for what each call promises. */
export class GatewayTerminals implements WebTerminals {
  readonly #deps: SessionDeps;
  readonly #opened: (session: GatewaySession) => void;
  readonly #terminals = new Map<number, WebTerminal>();
  readonly #waiting = new Map<string, WaitingTerminal>();
  #over = false;

  /** `opened` is told of each session. */
  constructor(deps: SessionDeps, opened: (session: GatewaySession) => void) {
    this.#deps = deps;
    this.#opened = opened;
  }

  async openTerminal(wanted: WantedTerminal): Promise<number> {
    if (this.#terminals.size >= MOST_TERMINALS) {
      throw new PosternError('terminal.full', { limit: MOST_TERMINALS });
    }
    const need = this.#need(wanted);
    const session = await this.#begin(wanted, await this.#allowed(wanted, need));
    this.#terminals.set(session.id, new WebTerminal(session, need));
    return session.id;
  }

  async startTerminal(sessionId: number, window: Window): Promise<void> {
    if (!this.#found(sessionId).start(window)) throw gone(sessionId);
  }

  async terminalOutput(sessionId: number): Promise<TerminalOutput> {
    const answer = await this.#found(sessionId).output();
    if (answer.type === 'ended') this.#terminals.delete(sessionId);
    return answer;
  }

  async terminalInput(sessionId: number, bytes: Uint8Array): Promise<boolean> {
    return (await this.#terminals.get(sessionId)?.input(bytes)) ?? true;
  }

  async resizeTerminal(sessionId: number, window: Window): Promise<void> {
    this.#terminals.get(sessionId)?.resize(window);
  }

  async leaveTerminal(sessionId: number, how: TerminalLeave): Promise<void> {
    const terminal = this.#terminals.get(sessionId);
    // Who is still to be told asks for it.
    if (how !== 'revoked' && how !== 'drained') this.#terminals.delete(sessionId);
    await terminal?.leave(how);
  }

  async tryMachine(wanted: WantedTerminal): Promise<MachineTrial> {
    const user = await this.#proven(wanted);
    const route = await this.#route(wanted, user);
    if (route.terms.length === 0) {
      throw new PosternError('terminal.trial', { machine: route.machine.name });
    }
    return await tried(await this.#begin(wanted, { user, route }));
  }

  /** Begins none any more, and ends those that there are, with a word to their users. */
  async end(refusal: Refusal): Promise<void> {
    this.#over = true;
    for (const waiting of [...this.#waiting.values()]) waiting.leave();
    const all = [...this.#terminals.values()];
    await Promise.all(all.map(({ session }) => session.end('drained', refusal)));
  }

  #found(sessionId: number): WebTerminal {
    const terminal = this.#terminals.get(sessionId);
    if (terminal === undefined) throw gone(sessionId);
    return terminal;
  }

  #need({ user, facts }: WantedTerminal): Need<ProgramAccess> {
    const denials = new Denials(
      this.#deps.control,
      () => facts,
      () => user,
    );
    return programNeed(SHELL, denials);
  }

  async #begin({ facts }: WantedTerminal, { user, route }: Allowed): Promise<GatewaySession> {
    if (this.#over) throw new PosternError('session.draining');
    const session = await GatewaySession.open(this.#deps, user, route, 'web', facts);
    this.#opened(session);
    if (this.#over) void session.end('drained', refusalOf(new PosternError('session.draining')));
    return session;
  }

  /** As it is, or once somebody has approved; rejects with `terminal.approval` until then. */
  async #allowed(wanted: WantedTerminal, need: Need<ProgramAccess>): Promise<Allowed> {
    const { user, machine, login, proof, facts } = wanted;
    const key = JSON.stringify([user.userId, proof, machine, login, facts.sourceAddress]);
    const known = this.#waiting.get(key);
    if (known !== undefined) return await this.#approved(key, known, wanted);
    const proven = await this.#proven(wanted);
    const route = await this.#route(wanted, proven);
    try {
      permittedNow(route, need);
      return { user: proven, route };
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'approval.apart') throw error;
    }
    if (this.#waiting.size >= MOST_WAITING) throw new PosternError('approval.busy');
    const asker = { user: proven, facts, kind: 'web', opener: 0 } as const;
    const waiting = new WaitingTerminal(this.#deps.control, asker, route, need, () => {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    });
    this.#waiting.set(key, waiting);
    return await this.#approved(key, waiting, wanted);
  }

  async #approved(key: string, waiting: WaitingTerminal, wanted: WantedTerminal): Promise<Allowed> {
    const { user } = waiting.asker;
    try {
      const route = await waiting.answer();
      // One session for one approval.
      if (this.#waiting.get(key) !== waiting) throw new PosternError('approval.used');
      waiting.leave();
      // It may be a minute old: what was taken back since counts.
      await this.#route(wanted, user);
      return { user, route };
    } catch (error) {
      const waits = error instanceof PosternError && error.code === 'terminal.approval';
      if (!waits) waiting.leave();
      throw error;
    }
  }

  /** The user, with the second factor if they gave a code. */
  async #proven({ user, code, facts }: WantedTerminal): Promise<SignedIn> {
    if (code === null) return user;
    const answer = await this.#deps.control.checkCode(user, code, facts);
    if (answer.outcome === 'wrong') throw new PosternError('terminal.wrong_code');
    return answer.user;
  }

  async #route(
    { machine, login, facts }: WantedTerminal,
    user: SignedIn,
  ): Promise<AuthorizedRoute> {
    const answer = await this.#deps.control.authorize(user, { machine, login }, facts);
    if (answer.outcome === 'allowed') return answer.route;
    const code = answer.code === 'access.mfa' ? 'terminal.code' : answer.code;
    throw new PosternError(code, answer.params);
  }
}

function gone(sessionId: number): PosternError {
  return new PosternError('terminal.gone', { id: formatId('sess', sessionId) });
}
