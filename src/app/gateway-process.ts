import '../wasm-wrappers.ts';
import type { GatewayLoad } from '../domain/load.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { Calls } from '../ipc/calls.ts';
import { parentPeer } from '../ipc/peer.ts';
import { remoteControlPlane } from '../ipc/remote.ts';
import { serveTerminals } from '../ipc/remote-terminals.ts';
import { within } from '../ipc/within.ts';
import { markWorker } from '../ipc/worker-marks.ts';
import {
  type Started,
  WORKER_METHODS,
  type WorkerService,
  type WorkerSettings,
} from '../ipc/worker-service.ts';
import { createLogger } from '../log/logger.ts';
import type { SshGateway } from '../proxy/gateway.ts';
import { loadHostKey } from '../ssh/host-key.ts';
import { installGuards } from '../ssh/library.ts';
import { Closers } from './closers.ts';
import { openGateway } from './gateway.ts';
import { ProcessWatch } from './process-load.ts';

/** Milliseconds for the last words to users once the control process is gone. */
const LAST_WORDS_MS = 1500;

/** Until the settings say how to log: failures that nobody expects. */
const firstLog = createLogger({ level: 'warn', format: 'json', stream: process.stderr });

/** A worker: the gateway in a process of its own, beside the control process that forked it. */
class GatewayProcess implements WorkerService {
  readonly #calls: Calls;
  #log: Logger = firstLog;
  #closers = new Closers(firstLog);
  #gateway: SshGateway | null = null;
  readonly #watch = new ProcessWatch();
  #closing: Promise<void> | null = null;

  constructor() {
    const peer = parentPeer();
    this.#calls = new Calls(peer, () => this.#log);
    this.#calls.serve<WorkerService>(this, WORKER_METHODS);
    peer.onLost(() => this.#leave());
    // Ctrl-C reaches the whole process group; who drains is decided by the control process alone.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
    for (const failure of ['uncaughtException', 'unhandledRejection']) {
      process.on(failure, (error: unknown) => this.#fail(error));
    }
  }

  async start(settings: WorkerSettings): Promise<Started> {
    const { worker, listen, log } = settings;
    this.#log = createLogger({ ...log, stream: process.stderr }).child({ worker });
    this.#closers = new Closers(this.#log);
    try {
      installGuards();
      await markWorker(settings.dataDir);
      const plane = remoteControlPlane(this.#calls, this.#log);
      this.#gateway = await openGateway(
        {
          plane,
          dataDir: settings.dataDir,
          recordings: settings.recordings,
          minFree: settings.minFree,
          sealingKey: settings.sealingKey,
          encryption: settings.encryption,
          hostKey: loadHostKey(settings.hostKey),
          working: settings.working,
          manners: settings.manners,
          engineCerts: settings.engineCerts,
          kubeconfig: settings.kubeconfig,
          log: this.#log,
        },
        this.#closers,
      );
      serveTerminals(this.#calls, this.#gateway.terminals);
      return { address: await this.#gateway.listen(listen.host, listen.port, listen.reusePort) };
    } catch (error) {
      return { problem: reasonOf(error) };
    }
  }

  async terminate(...args: Parameters<WorkerService['terminate']>): Promise<boolean> {
    return (await this.#gateway?.terminate(...args)) ?? false;
  }

  async renew(...args: Parameters<WorkerService['renew']>): Promise<boolean> {
    return (await this.#gateway?.renew(...args)) ?? false;
  }

  drain(): Promise<void> {
    this.#closing ??= this.#closers.close();
    return this.#closing;
  }

  ping(): Promise<GatewayLoad> {
    const recorderQueue = this.#gateway?.recorderQueue ?? 0;
    return Promise.resolve({ ...this.#watch.load, recorderQueue });
  }

  /** The channel is closed: the control process has drained this one, or is gone. */
  #leave(): void {
    void within(LAST_WORDS_MS, this.drain()).then(() => process.exit(0));
  }

  /** A bug: its state is unknown, so nothing more is done here; the control process ends the rest. */
  #fail(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    this.#log.error('an error that nobody handled; the worker leaves', {
      reason: reasonOf(error),
      stack: stack.split('\n').slice(1, 12).join(' |'),
    });
    process.exit(1);
  }
}

new GatewayProcess();
