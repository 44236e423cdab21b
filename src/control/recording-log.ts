import type { ControlPlane } from '../domain/control-plane.ts';
import type { Meters } from '../domain/meters.ts';
import type { RecordingReceipt } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { Stores } from '../domain/store.ts';
import type { Outbox } from './outbox.ts';

export interface RecordingLogDeps {
  readonly stores: Pick<Stores, 'sessions' | 'seals'>;
  readonly outbox: Outbox;
  readonly meters: Meters;
  /** Told of each recording that is whole. */
  readonly recordingEnded?: (receipt: RecordingReceipt) => void;
  /** Left out: nothing is encrypted. */
  readonly dataKeys?: Pick<KeptDataKeys, 'forget'>;
}

/** Writes what becomes of recordings, in order; see domain/control-plane.ts. */
export class RecordingLog {
  readonly #deps: RecordingLogDeps;

  constructor(deps: RecordingLogDeps) {
    this.#deps = deps;
  }

  readonly open: ControlPlane['openRecording'] = (sessionId, channel, key) => {
    const startedAt = new Date();
    const { stores, outbox } = this.#deps;
    return outbox.write('recording started', () =>
      stores.sessions.openRecording({ sessionId, channel, key, startedAt }),
    );
  };

  readonly seal: ControlPlane['sealRecording'] = (sessionId, channel, seal) => {
    const { stores, outbox } = this.#deps;
    return outbox.write('recording sealed', () => stores.seals.add(sessionId, channel, seal));
  };

  readonly close: ControlPlane['closeRecording'] = (sessionId, channel, state, receipt) => {
    const at = new Date();
    const { stores, outbox, meters, recordingEnded, dataKeys } = this.#deps;
    meters.recordingEnded(state);
    if (receipt !== null) recordingEnded?.(receipt);
    return outbox.write('recording closed', async () => {
      const key = await stores.sessions.closeRecording(sessionId, channel, state, receipt, at);
      // Not before its end is noted, nor while what is left of it may still have to be sealed.
      if (key !== null && receipt !== null) await dataKeys?.forget(key);
    });
  };
}
