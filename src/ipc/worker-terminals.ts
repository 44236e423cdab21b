import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { WantedTerminal, WebTerminals } from '../domain/web-terminal.ts';

/** What the terminals of several workers need of them. */
export interface TerminalWorkers {
  /** In the order of their numbers; none: they are just being replaced. */
  all(): readonly WebTerminals[];
}

/**
 * The terminals of all workers as one. Who asks for one is always sent to the same worker, so that what they
 * wait for there, an approval, is found again.
 */
export function terminalsOf(workers: TerminalWorkers): WebTerminals {
  const holders = new Map<number, WebTerminals>();
  const workerOf = ({ user }: WantedTerminal): WebTerminals => {
    const all = workers.all();
    const chosen = all[user.userId % Math.max(1, all.length)];
    if (chosen === undefined) throw new PosternError('control.down');
    return chosen;
  };
  const holderOf = (sessionId: number): WebTerminals => {
    const holder = holders.get(sessionId);
    if (holder !== undefined) return holder;
    throw new PosternError('terminal.gone', { id: formatId('sess', sessionId) });
  };
  return {
    openTerminal: async (wanted) => {
      const worker = workerOf(wanted);
      const id = await worker.openTerminal(wanted);
      holders.set(id, worker);
      return id;
    },
    startTerminal: async (id, window) => holderOf(id).startTerminal(id, window),
    terminalOutput: async (id) => {
      const output = await holderOf(id).terminalOutput(id);
      if (output.type === 'ended') holders.delete(id);
      return output;
    },
    terminalInput: async (id, bytes) => holders.get(id)?.terminalInput(id, bytes) ?? true,
    resizeTerminal: async (id, window) => holders.get(id)?.resizeTerminal(id, window),
    leaveTerminal: async (id, how) => {
      const holder = holders.get(id);
      if (how !== 'revoked' && how !== 'drained') holders.delete(id);
      await holder?.leaveTerminal(id, how);
    },
    tryMachine: async (wanted) => workerOf(wanted).tryMachine(wanted),
  };
}
