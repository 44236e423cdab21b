import type { RecordingPolicy, RecordingState } from './recording.ts';
import { type EndReason, type Session, type SessionKind, statusAfter } from './session.ts';

/** One figure of a metric; labels have few values, none of which is anybody's name. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** As Prometheus knows it; the name of a counter ends with `_total`. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Where somebody could not sign in. */
export const DOORS = ['ssh', 'console', 'api'] as const;
export type Door = (typeof DOORS)[number];

/** Figures that only go up, by their labels: as many as the sets of labels have members. */
class Meter {
  readonly #name: string;
  readonly #help: string;
  readonly #samples = new Map<
    string,
    { labels: Readonly<Record<string, string>>; value: number }
  >();

  constructor(name: string, help: string, from: readonly Readonly<Record<string, string>>[] = []) {
    this.#name = name;
    this.#help = help;
    for (const labels of from) this.add(0, labels);
  }

  add(by: number, labels: Readonly<Record<string, string>>): void {
    const key = JSON.stringify(labels);
    const sample = this.#samples.get(key) ?? { labels, value: 0 };
    sample.value += by;
    this.#samples.set(key, sample);
  }

  get metric(): Metric {
    const [name, help, samples] = [this.#name, this.#help, [...this.#samples.values()]];
    return { name, type: 'counter', help, samples: samples.map((sample) => ({ ...sample })) };
  }
}

/** What this node did since its start, for /metrics. */
export class Meters {
  readonly #started = new Meter('postern_sessions_started_total', 'Sessions that began, by kind');
  readonly #ended = new Meter(
    'postern_sessions_ended_total',
    'Sessions that ended, by kind and by the reason of their end',
  );
  readonly #failed = new Meter(
    'postern_sessions_failed_total',
    'Those of them whose status is failed, by kind and reason',
  );
  readonly #bytes = new Meter(
    'postern_session_bytes_total',
    'Bytes of sessions: in, from users to machines; out, back',
    [{ direction: 'in' }, { direction: 'out' }],
  );
  readonly #recordings = new Meter(
    'postern_recordings_ended_total',
    'Recordings that ended, by the state that they ended in',
    [{ state: 'complete' }, { state: 'gap' }, { state: 'truncated' }],
  );
  readonly #lost = new Meter(
    'postern_recordings_failed_total',
    'Recordings that could not be begun, broke, or missed something, by the policy of their machine',
    [{ policy: 'required' }, { policy: 'best_effort' }],
  );
  readonly #refused = new Meter(
    'postern_auth_failures_total',
    'Connections and requests that failed to sign in, by door',
    DOORS.map((door) => ({ door })),
  );
  /** What was counted of the bytes of sessions that live: as many as this node holds. */
  readonly #live = new Map<number, { readonly bytesIn: number; readonly bytesOut: number }>();

  sessionStarted(id: number, kind: SessionKind): void {
    this.#live.set(id, { bytesIn: 0, bytesOut: 0 });
    this.#started.add(1, { kind });
  }

  /** So many so far; what comes late counts nothing. */
  sessionBytes(id: number, bytesIn: number, bytesOut: number): void {
    const known = this.#live.get(id);
    if (known === undefined) return;
    this.#bytes.add(Math.max(0, bytesIn - known.bytesIn), { direction: 'in' });
    this.#bytes.add(Math.max(0, bytesOut - known.bytesOut), { direction: 'out' });
    this.#live.set(id, {
      bytesIn: Math.max(bytesIn, known.bytesIn),
      bytesOut: Math.max(bytesOut, known.bytesOut),
    });
  }

  /** Counts once for each that began. */
  sessionEnded(
    { id, kind, bytesIn, bytesOut }: Pick<Session, 'id' | 'kind' | 'bytesIn' | 'bytesOut'>,
    reason: EndReason,
  ): void {
    this.sessionBytes(id, bytesIn, bytesOut);
    if (!this.#live.delete(id)) return;
    this.#ended.add(1, { kind, reason });
    if (statusAfter(reason) === 'failed') this.#failed.add(1, { kind, reason });
  }

  /** For one that ended before its user came, which began nowhere: both at once. */
  sessionUnjoined({ id, kind }: Pick<Session, 'id' | 'kind'>, reason: EndReason): void {
    this.sessionStarted(id, kind);
    this.sessionEnded({ id, kind, bytesIn: 0, bytesOut: 0 }, reason);
  }

  recordingEnded(state: RecordingState): void {
    this.#recordings.add(1, { state });
  }

  recordingFailed(policy: RecordingPolicy): void {
    this.#lost.add(1, { policy });
  }

  signInFailed(door: Door): void {
    this.#refused.add(1, { door });
  }

  get metrics(): readonly Metric[] {
    const all = [this.#started, this.#ended, this.#failed, this.#bytes];
    return [...all, this.#recordings, this.#lost, this.#refused].map(({ metric }) => metric);
  }
}
