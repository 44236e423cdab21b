import type { Store } from '../../src/domain/store.ts';
import type {
  MachineTrial,
  TerminalOutput,
  WantedTerminal,
  WebTerminals,
} from '../../src/domain/web-terminal.ts';
import * as example from '../store/examples.ts';

/** Notes what was asked, and gives out sessions that nothing runs in: the real one lives in another room. */
export class TestTerminals implements WebTerminals {
  readonly wanted: WantedTerminal[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async openTerminal(wanted: WantedTerminal): Promise<number> {
    this.wanted.push(wanted);
    const { user, machine } = wanted;
    const { id } = await this.#store.sessions.create(
      example.session({
        ...{ userId: user.userId, userName: user.userName, machineName: machine, kind: 'web' },
        machineId: (await this.#store.machines.getByName(machine))?.id ?? 0,
      }),
    );
    return id;
  }

  async tryMachine(wanted: WantedTerminal): Promise<MachineTrial> {
    const sessionId = await this.openTerminal(wanted);
    return { connected: false, sessionId, milliseconds: 1, problem: 'nobody is there' };
  }

  startTerminal(): Promise<void> {
    return Promise.resolve();
  }

  terminalOutput(): Promise<TerminalOutput> {
    return Promise.resolve({ type: 'nothing' });
  }

  terminalInput(): Promise<boolean> {
    return Promise.resolve(true);
  }

  resizeTerminal(): Promise<void> {
    return Promise.resolve();
  }

  leaveTerminal(): Promise<void> {
    return Promise.resolve();
  }
}
