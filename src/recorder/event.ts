/** What stands in a line after the header, `time` as it is written there. */
export interface RawEvent {
  readonly time: number;
  readonly code: string;
  readonly data: string;
}

/** Null when the line is no event: then it is cut or damaged. */
export function parseEvent(line: string): RawEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length < 3) return null;
  const [time, code, data]: readonly unknown[] = value;
  if (typeof time !== 'number' || !(time >= 0) || typeof code !== 'string' || code === '') {
    return null;
  }
  return typeof data === 'string' ? { time, code, data } : null;
}

/** Empty lines and `#` comments (asciicast v3) are no events and no damage. */
export function isSkipped(line: string): boolean {
  return line.trim() === '' || line.startsWith('#');
}

/** Adds intervals up in whole microseconds, so that a long recording's times stay exact. */
export class EventTimes {
  readonly #version: 2 | 3;
  #micros: number;

  /** `micros` after the start the interval of the first event begins. */
  constructor(version: 2 | 3, micros = 0) {
    this.#version = version;
    this.#micros = micros;
  }

  /** Seconds after the start. */
  of(event: RawEvent): number {
    const micros = Math.round(event.time * 1_000_000);
    this.#micros = this.#version === 3 ? this.#micros + micros : micros;
    return this.#micros / 1_000_000;
  }
}
