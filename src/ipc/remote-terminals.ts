import { PosternError } from '../domain/errors.ts';
import type { WebTerminals } from '../domain/web-terminal.ts';
import { type Calls, PeerDown } from './calls.ts';

const METHODS = {
  openTerminal: true,
  startTerminal: true,
  terminalOutput: true,
  terminalInput: true,
  resizeTerminal: true,
  leaveTerminal: true,
  tryMachine: true,
} as const satisfies Readonly<Record<keyof WebTerminals, true>>;

/** Answers for this process's terminals at the other end. */
export function serveTerminals(calls: Calls, terminals: WebTerminals): void {
  calls.serve<WebTerminals>(terminals, METHODS);
}

/**
 * The terminals of another process. Each output and input is one message there and one back: the other side
 * sends nothing that was not asked for. A call without an answer rejects with `control.down`.
 */
export function remoteTerminals(calls: Calls): WebTerminals {
  const ask =
    <Method extends keyof WebTerminals>(method: Method) =>
    (...args: Parameters<WebTerminals[Method]>) =>
      question(calls, method, args) as ReturnType<WebTerminals[Method]>;
  return {
    openTerminal: ask('openTerminal'),
    startTerminal: ask('startTerminal'),
    terminalOutput: ask('terminalOutput'),
    terminalInput: ask('terminalInput'),
    resizeTerminal: ask('resizeTerminal'),
    leaveTerminal: ask('leaveTerminal'),
    tryMachine: ask('tryMachine'),
  };
}

async function question(calls: Calls, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await calls.call(method, args);
  } catch (error) {
    if (!(error instanceof PeerDown)) throw error;
    throw new PosternError('control.down', {}, { cause: error });
  }
}
