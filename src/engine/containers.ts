import {
  CONTAINER_HEALTHS,
  CONTAINER_STATES,
  type Container,
  type ContainerDetail,
  type ContainerHealth,
  type ContainerState,
} from '../domain/container-engine.ts';

/** JSON from an engine: what is not there, or of another type, counts as empty. */
class Part {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  at(key: string): Part {
    const value = this.#value;
    const own = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return new Part(own ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined);
  }

  get text(): string {
    return typeof this.#value === 'string' ? this.#value : '';
  }

  get number(): number {
    return typeof this.#value === 'number' && Number.isFinite(this.#value) ? this.#value : 0;
  }

  get numberOrNull(): number | null {
    return typeof this.#value === 'number' ? this.#value : null;
  }

  get isTrue(): boolean {
    return this.#value === true;
  }

  get items(): readonly Part[] {
    return Array.isArray(this.#value) ? this.#value.map((one: unknown) => new Part(one)) : [];
  }

  get entries(): readonly (readonly [string, Part])[] {
    if (typeof this.#value !== 'object' || this.#value === null) return [];
    return Object.entries(this.#value).map(([key, one]) => [key, new Part(one)] as const);
  }

  get texts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries.map(([key, one]) => [key, one.text]));
  }
}

/** Podman has `stopped` for what ended a moment ago. */
const stateOf = (text: string): ContainerState =>
  CONTAINER_STATES.find((one) => one === text) ?? (text === 'stopped' ? 'exited' : 'dead');

const healthOf = (text: string): ContainerHealth =>
  CONTAINER_HEALTHS.find((one) => one === text) ?? 'none';

/** In a list health is a word in a sentence: `Up 3 minutes (health: starting)`. */
function healthIn(status: string): ContainerHealth {
  const [, word = ''] = /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status) ?? [];
  return healthOf(word);
}

const bare = (name: string): string => name.replace(/^\//, '');

/** `GET /containers/json`. */
export function containersOf(body: unknown): readonly Container[] {
  return new Part(body).items.map((one) => ({
    id: one.at('Id').text,
    // Names that it has through links have a slash in them.
    name: bare(
      one
        .at('Names')
        .items.map(({ text }) => text)
        .find((name) => !bare(name).includes('/')) ?? '',
    ),
    image: one.at('Image').text,
    labels: one.at('Labels').texts,
    state: stateOf(one.at('State').text),
    health: healthIn(one.at('Status').text),
    createdAt: new Date(one.at('Created').number * 1000),
  }));
}

/** `GET /containers/ID/json`. */
export function containerOf(body: unknown): ContainerDetail {
  const whole = new Part(body);
  const state = whole.at('State');
  const config = whole.at('Config');
  const started = new Date(state.at('StartedAt').text);
  return {
    id: whole.at('Id').text,
    name: bare(whole.at('Name').text),
    image: config.at('Image').text,
    labels: config.at('Labels').texts,
    state: stateOf(state.at('Status').text),
    health: healthOf(state.at('Health').at('Status').text),
    createdAt: new Date(whole.at('Created').text),
    // The year 1 stands for never.
    startedAt: started.getTime() > 0 ? started : null,
  };
}

export interface ExecState {
  readonly running: boolean;
  /** 0: it was never begun. */
  readonly pid: number;
  /** Null: none yet. */
  readonly exitCode: number | null;
}

/** `GET /exec/ID/json`. */
export function execStateOf(body: unknown): ExecState {
  const whole = new Part(body);
  return {
    running: whole.at('Running').isTrue,
    pid: whole.at('Pid').number,
    exitCode: whole.at('ExitCode').numberOrNull,
  };
}

/** `POST /containers/ID/exec`; empty: it is no such answer. */
export function execIdOf(body: unknown): string {
  return new Part(body).at('Id').text;
}

/** One of `GET /events`: whose it is; empty: nobody's. */
export function containerIn(event: unknown): string {
  return new Part(event).at('Actor').at('ID').text;
}
