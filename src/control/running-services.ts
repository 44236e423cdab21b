import type {
  Container,
  ContainerEngine,
  ContainerEngines,
  ContainerNews,
} from '../domain/container-engine.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { isMachineName } from '../domain/names.ts';
import type { EngineAway, KnownServices, RunningServices, Stack } from '../domain/stack.ts';
import type { Stores } from '../domain/store.ts';
import { Lookout } from './lookout.ts';
import { servicesOf } from './stack-services.ts';

/** Stacks that are looked at, engines that are followed, and containers of each that are kept. */
const MOST_STACKS = 1000;
const MOST_ENGINES = 100;
const MOST_CONTAINERS = 10_000;

/** Services of one stack that become machines: what runs on an engine is not Postern's to bound. */
const MOST_SERVICES = 200;

/** Rows of one question. */
const PAGE = 100;

/** As of which change of its stack a service was made a machine, or could not, for the name is taken. */
interface Made {
  readonly version: number;
  readonly isRefused: boolean;
}

interface RunningServicesDeps {
  readonly stores: Pick<Stores, 'stacks'>;
  readonly engines: ContainerEngines;
  readonly log: Logger;
}

/**
 * The containers of all stacks, as their engines tell of them, and the machines that their services
 * are: a service that starts is a machine at once, and can be reached before anybody has asked for a session
 * of it. One follower for each engine that a stack names, however many name it. On each node.
 */
export class FollowedServices implements RunningServices {
  readonly #deps: RunningServicesDeps;
  readonly #followed = new Map<string, FollowedEngine>();
  readonly #lookout: Lookout;
  readonly #listeners = new Set<() => void>();
  /** Engines have told something that no look has followed yet. */
  #told = false;
  #stacks: readonly Stack[] = [];
  /** By `ID/SERVICE`: made again when the stack changes, or somebody has removed the machine. */
  #made: ReadonlyMap<string, Made> = new Map();

  constructor(deps: RunningServicesDeps) {
    this.#deps = deps;
    this.#lookout = new Lookout(
      () => this.#look(),
      (error) => deps.log.warn('stacks could not be looked at', { reason: reasonOf(error) }),
    );
  }

  /** From now on, until `close`. */
  begin(changes: Parameters<Lookout['watch']>[0]): void {
    this.#lookout.watch(changes);
    this.#lookout.now();
  }

  async close(): Promise<void> {
    await this.#lookout.close();
    for (const followed of this.#followed.values()) followed.close();
    this.#followed.clear();
  }

  of(stackId: number): KnownServices | null {
    const stack = this.#stacks.find(({ id }) => id === stackId);
    if (stack === undefined) return null;
    const followed = this.#followed.get(stack.engine ?? '');
    const away = followed?.away ?? null;
    const known = this.every(stack, ({ state }) => state === 'running');
    return known === null && away !== null ? { services: [], away } : known;
  }

  /** Running or not, as far as they fit. Null: its engine has never answered, or is not followed (yet). */
  every(stack: Stack, fits: (one: Container) => boolean = () => true): KnownServices | null {
    const followed = this.#followed.get(stack.engine ?? '');
    if (followed === undefined || followed.containers === null) return null;
    const mine = [...followed.containers.values()].filter(
      (one) => one.labels[stack.stackLabel] === stack.project && fits(one),
    );
    return { services: servicesOf(stack, mine), away: followed.away };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #look(): Promise<void> {
    const told = this.#told;
    this.#told = false;
    try {
      await this.#lookAtAll();
    } catch (error) {
      this.#told ||= told;
      throw error;
    }
    // Not before a new service is a machine.
    if (told) for (const listener of this.#listeners) listener();
  }

  #hear(): void {
    this.#told = true;
    this.#lookout.now();
  }

  async #lookAtAll(): Promise<void> {
    this.#stacks = await this.#containerStacks();
    this.#follow(new Set(this.#stacks.map(({ engine }) => engine ?? '')));
    if (this.#stacks.length > 0) await this.#makeMachines();
  }

  async #containerStacks(): Promise<readonly Stack[]> {
    const found: Stack[] = [];
    let before: number | null = null;
    do {
      const request = { limit: PAGE, ...(before !== null && { before }) };
      const page = await this.#deps.stores.stacks.list({}, request);
      found.push(...page.rows.filter(({ kind, engine }) => kind === 'container' && engine));
      before = page.next;
    } while (before !== null && found.length < MOST_STACKS);
    return found;
  }

  #follow(wanted: ReadonlySet<string>): void {
    for (const [address, followed] of this.#followed) {
      if (wanted.has(address)) continue;
      followed.close();
      this.#followed.delete(address);
    }
    for (const address of wanted) {
      if (this.#followed.has(address) || this.#followed.size >= MOST_ENGINES) continue;
      const log = this.#deps.log.child({ engine: address });
      const engine = this.#deps.engines.at(address);
      this.#followed.set(address, new FollowedEngine(engine, log, () => this.#hear()));
    }
  }

  async #makeMachines(): Promise<void> {
    const there = await this.#deps.stores.stacks.serviceMachines();
    const keys = new Set(there.map(({ stackId, service }) => `${stackId}/${service}`));
    const made = new Map<string, Made>();
    for (const stack of this.#stacks) {
      const { services = [] } = this.of(stack.id) ?? {};
      const fit = services.filter(({ name }) => isMachineName(`${stack.name}.${name}`));
      for (const { name } of fit.slice(0, MOST_SERVICES)) {
        const key = `${stack.id}/${name}`;
        const known = this.#made.get(key);
        const version = stack.updatedAt.getTime();
        const isMade = known?.version === version && (known.isRefused || keys.has(key));
        made.set(key, isMade ? known : await this.#makeMachine(stack, name));
      }
    }
    this.#made = made;
  }

  async #makeMachine(stack: Stack, service: string): Promise<Made> {
    const version = stack.updatedAt.getTime();
    try {
      await this.#deps.stores.stacks.machineOf(stack, service);
      return { version, isRefused: false };
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'thing.exists') throw error;
      const reason = reasonOf(error);
      this.#deps.log.warn('a service is no machine', { stack: stack.name, service, reason });
      return { version, isRefused: true };
    }
  }
}

/** What one engine has told. */
class FollowedEngine {
  /** By id; null: it has never answered. */
  containers: Map<string, Container> | null = null;
  /** Null: it answers, or has not been heard of yet. */
  away: EngineAway | null = null;
  readonly #log: Logger;
  readonly #changed: () => void;
  readonly #following: { close(): void };

  constructor(engine: ContainerEngine, log: Logger, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
    this.#following = engine.follow((news) => this.#hear(news));
  }

  close(): void {
    this.#following.close();
  }

  #hear(news: ContainerNews): void {
    if (news.type === 'away') {
      if (this.away === null) this.#log.warn('an engine does not answer', { reason: news.cause });
      const { reason } = news;
      const since = this.away?.since;
      const wasHeard = this.containers !== null;
      this.away = { reason, since: since ?? new Date(), wasHeard };
      if (since === undefined) this.#changed();
      return;
    }
    if (this.away !== null) this.#log.info('an engine answers again');
    this.away = null;
    this.containers = this.#after(news, this.containers ?? new Map());
    this.#changed();
  }

  #after(
    news: Exclude<ContainerNews, { readonly type: 'away' }>,
    known: Map<string, Container>,
  ): Map<string, Container> {
    if (news.type === 'all') {
      const running = (one: Container): number => (one.state === 'running' ? 0 : 1);
      const most = news.containers.toSorted((a, b) => running(a) - running(b));
      return new Map(most.slice(0, MOST_CONTAINERS).map((one) => [one.id, one]));
    }
    if (news.type === 'gone') known.delete(news.id);
    else if (known.size < MOST_CONTAINERS || known.has(news.container.id)) {
      known.set(news.container.id, news.container);
    }
    return known;
  }
}
