import type { Config } from '../config/load.ts';
import { ARCHIVE_STATES, type ArchiveState } from '../domain/archive.ts';
import type { Counters } from '../domain/counters.ts';
import type { GatewayLoad, ProcessLoad } from '../domain/load.ts';
import type { Meters, Metric, Sample } from '../domain/meters.ts';
import type { SpaceState } from '../domain/recording.ts';
import type { Store } from '../domain/store.ts';
import type { Closers } from './closers.ts';
import type { OpenedGateway } from './gateway-place.ts';
import { ProcessWatch } from './process-load.ts';

/** What is asked when somebody asks for the figures of this node. */
export interface Measured {
  readonly version: string;
  readonly control: {
    readonly plane: { readonly meters: Meters; readonly held: readonly number[] };
    readonly store: Pick<Store, 'healthy'>;
    readonly counters: Pick<Counters, 'healthy'>;
    readonly reading: { readonly archive: () => ArchiveState; readonly archiveQueue: () => number };
  };
  readonly loads: OpenedGateway['loads'];
  readonly space: () => SpaceState;
}

/** What the API needs to show the figures of this node, which is looked at from now on. */
export function openMetrics(config: Config, of: Measured, closers: Closers) {
  const watch = new ProcessWatch();
  closers.add('looking at the process', () => watch.close());
  return {
    metrics: () => readMetrics(of, watch.load),
    openMetrics: config.metrics === 'open',
    meters: of.control.plane.meters,
  };
}

const CONTROL = 'control';

/** All figures of this node, as they are now. */
async function readMetrics(of: Measured, load: ProcessLoad): Promise<readonly Metric[]> {
  const { plane, store, counters: counting, reading } = of.control;
  const [database, counters] = await Promise.all([store.healthy(), counting.healthy()]);
  const isUp = [
    { labels: { part: 'database' }, value: Number(database) },
    { labels: { part: 'counters' }, value: Number(counters) },
    { labels: { part: 'recordings' }, value: Number(of.space() === 'up') },
  ];
  const states = ARCHIVE_STATES.map((one) => ({
    ...{ labels: { state: one }, value: Number(one === reading.archive()) },
  }));
  return [
    gauge('postern_build_info', 'Always 1', [{ labels: { version: of.version }, value: 1 }]),
    gauge('postern_up', 'Whether a part answers, or has room', isUp),
    gauge('postern_sessions_active', 'Sessions that this node holds', [
      { value: plane.held.length },
    ]),
    ...plane.meters.metrics,
    gauge('postern_archive_state', 'Of the S3-compatible store: 1 where it is so', states),
    gauge('postern_archive_queue', 'Recordings that wait for the S3-compatible store', [
      { value: reading.archiveQueue() },
    ]),
    ...processMetrics(load, of.loads(load)),
  ];
}

function processMetrics(
  control: ProcessLoad,
  carriers: ReadonlyMap<string, GatewayLoad>,
): readonly Metric[] {
  const queues = [...carriers].map(([process, { recorderQueue }]) => ({
    ...{ labels: { process }, value: recorderQueue },
  }));
  const all = new Map<string, ProcessLoad>([...carriers, [CONTROL, control]]);
  const each = (value: (load: ProcessLoad) => number): readonly Sample[] =>
    [...all].map(([process, load]) => ({ labels: { process }, value: value(load) }));
  const lags = [...all].flatMap(([process, { lag }]) => [
    { labels: { process, quantile: '0.5' }, value: lag.p50 },
    { labels: { process, quantile: '0.99' }, value: lag.p99 },
    { labels: { process, quantile: '1' }, value: lag.most },
  ]);
  const files = [...all].flatMap(([process, { openFiles }]) =>
    openFiles === null ? [] : [{ labels: { process }, value: openFiles }],
  );
  const cpu = each(({ cpuUser, cpuSystem }) => cpuUser + cpuSystem);
  return [
    gauge('postern_recorder_queue_bytes', 'Bytes that wait for the disk of recordings', queues),
    gauge('postern_event_loop_lag_seconds', 'Of the last half a minute or more', lags),
    { ...gauge('process_cpu_seconds_total', 'Seconds of processor', cpu), type: 'counter' },
    gauge(
      'process_resident_memory_bytes',
      'Memory, in bytes',
      each((load) => load.residentBytes),
    ),
    gauge(
      'postern_heap_bytes',
      "Of that, JavaScript's",
      each((load) => load.heapBytes),
    ),
    gauge(
      'process_start_time_seconds',
      'Since 1970',
      each((load) => load.startedAt),
    ),
    gauge('process_open_fds', 'Open files and sockets', files),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'gauge', help, samples };
}
