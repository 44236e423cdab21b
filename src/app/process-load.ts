import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessLoad } from '../domain/load.ts';

/** Milliseconds between two samples of the event loop, which each delay is reported without. */
const RESOLUTION = 20;
/** How long delays are looked at before those before them are forgotten. */
const WINDOW = 30_000;

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

/** Looks at this process, until `close`; two windows of delays, so that there is always a whole one. */
export class ProcessWatch {
  #last: IntervalHistogram | null = null;
  #now = begin();
  readonly #timer = setInterval(() => this.#turn(), WINDOW).unref();

  get load(): ProcessLoad {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      cpuUser: user / 1e6,
      cpuSystem: system / 1e6,
      residentBytes: rss,
      heapBytes: heapUsed,
      startedAt: performance.timeOrigin / 1000,
      openFiles: openFiles(),
      lag: this.#lag,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#now.disable();
  }

  get #lag(): ProcessLoad['lag'] {
    const both = [this.#now, ...(this.#last === null ? [] : [this.#last])];
    const worst = (of: (histogram: IntervalHistogram) => number): number =>
      Math.max(0, ...both.filter(({ count }) => count > 0).map((one) => late(of(one))));
    return {
      p50: worst((one) => one.percentile(50)),
      p99: worst((one) => one.percentile(99)),
      most: worst((one) => one.max),
    };
  }

  #turn(): void {
    this.#now.disable();
    this.#last = this.#now;
    this.#now = begin();
  }
}

function begin(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  return histogram;
}

/** Nanoseconds between two samples as the seconds that the second one was late. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000);
}

/** Of Linux; null elsewhere. */
function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
