import type { ServerChannel } from 'ssh2';
import type { ReachableMachine } from '../../domain/control-plane.ts';
import { PosternError } from '../../domain/errors.ts';
import { printable } from '../../domain/log.ts';
import type { ProgramAccess } from '../../domain/program-access.ts';
import type { Pty, Window } from '../../domain/terminal.ts';
import { closeChannel, onEow, onPeerClose } from '../../ssh/channel.ts';
import type { Waiter } from '../approvals.ts';
import { GatewayChannel } from '../channel.ts';
import type { ProgramRequest } from '../desk-asked.ts';
import { finishSoon, type Refusal, refusalOf, refuse } from '../refusal.ts';
import type { RunningProgram } from '../requests.ts';
import type { GatewaySession } from '../session.ts';
import { DirectEnd, type UserEnd } from '../user-end.ts';
import { LentEnd, type LentResult } from './lent-end.ts';
import { type Choice, Menu } from './menu.ts';
import { MenuRenewal } from './menu-renewal.ts';
import { styleOf } from './renderer.ts';
import { ENDED, endedBy, endedWith, IDLE_MINUTES } from './words.ts';

/** Words for a program that is not there yet. */
const MOST_EARLY = 16;

/** How long a client may take to close a channel that has ended, in milliseconds. */
const CLOSED_MS = 1000;

/** What a menu needs of its connection. */
export interface MenuHost {
  /** Asked anew each time the menu is shown. */
  reachable(): Promise<readonly ReachableMachine[]>;
  /** As of the control plane. */
  reachableChanged(since: string | null): Promise<string>;
  /** The channel as it would be without a menu. */
  direct(end: UserEnd, request: ProgramRequest): GatewayChannel;
  /** A new session on the machine of this name, by a decision of its own. */
  enter(
    machine: string,
    request: ProgramRequest,
    waiter: Waiter,
  ): Promise<{ readonly session: GatewaySession; readonly access: ProgramAccess }>;
  left(channel: MenuChannel): void;
}

/**
 * A terminal without a machine: the menu, and under it one session after the other, until the user
 * leaves. Who may reach exactly one machine, or none, has a channel without a menu.
 */
export class MenuChannel implements RunningProgram {
  readonly done: Promise<void>;
  readonly #down: ServerChannel;
  readonly #request: ProgramRequest;
  readonly #host: MenuHost;
  readonly #stopped = Promise.withResolvers<null>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #early: ((program: RunningProgram) => void)[] = [];
  #pty: Pty;
  #over = false;
  /** Its user is being told why it ends. */
  #refused = false;
  #inputEnded = false;
  #menu: Menu | null = null;
  #lent: LentEnd | null = null;
  #program: RunningProgram | null = null;

  /** `down` is accepted already. */
  constructor(down: ServerChannel, request: ProgramRequest, pty: Pty, host: MenuHost) {
    this.#down = down;
    this.#request = request;
    this.#pty = pty;
    this.#host = host;
    down.once('close', () => this.#gone());
    onPeerClose(down, () => this.#leaving());
    onEow(down, () => {
      this.#lent?.tell('noReader');
      this.#halt();
    });
    this.done = this.#run();
  }

  resize(window: Window): void {
    this.#pty = { ...this.#pty, window };
    this.#menu?.resize(window);
    this.#program?.resize(window);
  }

  signal(name: string): void {
    this.#tell((program) => program.signal(name));
  }

  sendBreak(length: number): void {
    this.#tell((program) => program.sendBreak(length));
  }

  /** Ends the channel with a word to its user; a session on it has ended before. */
  async stop(refusal: Refusal): Promise<void> {
    if (this.#over || (this.#program !== null && this.#lent === null)) return;
    this.#refused = true;
    this.#halt();
    await refuse(this.#down, refusal, true);
    // A client that hears of the end of its connection at once does not show what came before.
    await this.#closedSoon();
  }

  async #closedSoon(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSED_MS);
    });
    await Promise.race([this.#closed.promise, late]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    try {
      const machines = await this.#host.reachable();
      if (this.#over) return;
      if (machines.length > 1) await this.#menus(machines);
      else await this.#direct();
    } catch (error) {
      this.#menu?.stop();
      if (!this.#over) await refuse(this.#down, refusalOf(error), true);
    } finally {
      this.#halt();
      if (!this.#refused && this.#program === null) closeChannel(this.#down);
      this.#host.left(this);
    }
  }

  #direct(): Promise<void> {
    const program = this.#host.direct(new DirectEnd(this.#down), this.#asked());
    this.#program = program;
    for (const word of this.#early.splice(0)) word(program);
    return program.done;
  }

  async #menus(first: readonly ReachableMachine[]): Promise<void> {
    this.#early.length = 0;
    this.#down.on('data', (bytes: Buffer) => this.#input(bytes));
    this.#down.once('end', () => this.#inputEnds());
    let notice = '';
    let machines = first;
    while (!this.#over) {
      if (machines.length === 0) throw new PosternError('access.nothing');
      const choice = await this.#choose(machines, notice);
      if (choice === null) return;
      if (choice.type === 'idle') throw new PosternError('menu.idle', { minutes: IDLE_MINUTES });
      if (choice.type === 'left') {
        await finishSoon(this.#down, { status: 0 });
        return;
      }
      notice = `${choice.name}: ${wordsOf(await this.#work(choice.name))}`;
      if (!this.#over) machines = await this.#host.reachable();
    }
  }

  async #choose(machines: readonly ReachableMachine[], notice: string): Promise<Choice | null> {
    const down = this.#down;
    const menu = new Menu(
      {
        machines,
        notice: printable(notice, 300),
        window: this.#pty.window,
        write: (text) => {
          const more = down.write(text);
          if (!more) down.once('drain', () => menu.drained());
          return more;
        },
      },
      styleOf(this.#pty.term),
    );
    this.#menu = menu;
    menu.start();
    if (this.#inputEnded) menu.ended();
    const renewal = new MenuRenewal(this.#host, machines, (now) => menu.renew(now));
    try {
      return await Promise.race([menu.choice, this.#stopped.promise, renewal.nothingLeft]);
    } finally {
      renewal.stop();
      menu.stop();
      this.#menu = null;
    }
  }

  /** One session on the machine, from its decision to the end of its row. */
  async #work(machine: string): Promise<LentResult> {
    const lent = new LentEnd(this.#down);
    this.#lent = lent;
    let entered: GatewaySession | null = null;
    const channel = new GatewayChannel(lent, this.#asked(), async (request, waiter) => {
      const { session, access } = await this.#host.enter(machine, request, waiter);
      entered = session;
      return { session, access };
    });
    this.#program = channel;
    if (this.#inputEnded) lent.input(null);
    const result = await lent.result;
    await channel.done;
    this.#program = null;
    this.#lent = null;
    lent.release();
    this.#down.resume();
    await endOf(entered);
    return result;
  }

  /** The request as it would be made now. */
  #asked(): ProgramRequest {
    return { ...this.#request, pty: this.#pty };
  }

  #input(bytes: Buffer): void {
    // What was typed before the menu took a choice, and behind it in one go, is for no machine.
    if (this.#lent !== null) this.#lent.input(bytes);
    else this.#menu?.input(bytes);
  }

  #inputEnds(): void {
    this.#inputEnded = true;
    this.#lent?.input(null);
    this.#menu?.ended();
  }

  #tell(word: (program: RunningProgram) => void): void {
    if (this.#program !== null) word(this.#program);
    else if (this.#early.length < MOST_EARLY) this.#early.push(word);
  }

  /** Nothing is shown and nothing begun any more. */
  #halt(): void {
    this.#over = true;
    this.#menu?.stop();
    this.#stopped.resolve(null);
  }

  #leaving(): void {
    this.#lent?.tell('leaving');
    this.#halt();
  }

  #gone(): void {
    this.#closed.resolve();
    this.#lent?.tell('gone');
    this.#halt();
  }
}

async function endOf(session: GatewaySession | null): Promise<void> {
  await session?.end('client_closed', null);
}

function wordsOf(result: LentResult): string {
  if (result.type === 'refusal') return result.refusal.text;
  if (result.exit === null) return ENDED;
  return 'status' in result.exit ? endedWith(result.exit.status) : endedBy(result.exit.signal);
}
