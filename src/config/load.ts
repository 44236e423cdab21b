import { join } from 'node:path';
import type { ArchivePlace } from '../domain/archive.ts';
import { printable } from '../domain/log.ts';
import type { SinkAddress } from '../domain/seal-sink.ts';
import type { Environment } from './environment.ts';
import { formatListener, isLoopback, type Listener } from './listener.ts';
import { KEYS, OPTIONS } from './options.ts';
import type { LogFormat } from './parsers.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';
import type { Settings } from './settings.ts';
import { fromEnvironment, fromFile, type Given } from './sources.ts';

/** What is in force. Frozen. */
export interface Config extends Settings {
  readonly demo: boolean;
  /** Absolute directory; where `archive` is given, its spool. */
  readonly recordings: string;
  readonly sealSinks: readonly SinkAddress[];
  readonly alertSinks: readonly SinkAddress[];
  readonly archive: ArchivePlace | null;
  readonly logFormat: LogFormat;
}

/** Where what is in force came from. */
export type Sources = Readonly<Record<keyof Settings, string>>;

export interface ConfigRequest {
  /** The YAML file of `--config`; null: none. */
  readonly configFile?: string | null;
  /** `--demo`: on the command line alone, since it gives a shell on this machine. */
  readonly demo?: boolean;
  /** Whether the log goes to a terminal. */
  readonly terminal?: boolean;
}

/** The settings in force; throws ConfigError with everything that is wrong with them. */
export function loadConfig(env: Environment, request: ConfigRequest = {}): Config {
  return resolveConfig(env, request).config;
}

/** As `loadConfig`, with the source of each setting: `environment`, a file's line, `default`. */
export function resolveConfig(
  env: Environment,
  request: ConfigRequest = {},
): { readonly config: Config; readonly sources: Sources } {
  const demo = request.demo ?? false;
  const file = request.configFile ?? null;
  const both = [...(file === null ? [] : [fromFile(file)]), fromEnvironment(env)];
  const given = new Map<string, Given>(both.flatMap((source) => [...source.given]));
  const problems = both.flatMap((source) => source.problems);
  const values: Partial<Record<keyof Settings, unknown>> = {};
  const sources: Partial<Record<keyof Settings, string>> = {};
  for (const key of KEYS) {
    const setting = given.get(OPTIONS[key].name) ?? standing(key, demo);
    const parsed = setting.text === null ? { value: null } : OPTIONS[key].parse(setting.text);
    sources[key] = setting.from;
    if ('value' in parsed) values[key] = parsed.value;
    else problems.push(refused(OPTIONS[key], setting, parsed.remedy));
  }
  problems.push(...unsigned(values));
  if (demo) problems.push(...demoProblems(env, given, values));
  problems.push(...keyProblems(values));
  if (problems.length > 0) throw new ConfigError(problems);
  // Every key of the table has been read above, each by its own parser.
  return { config: complete(values as Settings, request), sources: sources as Sources };
}

interface Setting {
  readonly text: string | null;
  readonly from: string;
}

/** What counts where nothing is given. */
function standing(key: keyof Settings, demo: boolean): Setting {
  const { demo: inDemo, fallback } = OPTIONS[key];
  return demo && inDemo !== undefined
    ? { text: inDemo, from: '--demo' }
    : { text: fallback, from: 'default' };
}

function complete(settings: Settings, request: ConfigRequest): Config {
  const { recordings } = settings;
  return Object.freeze({
    ...settings,
    demo: request.demo ?? false,
    sealSinks: settings.sealSinks ?? [],
    alertSinks: settings.alertSinks ?? [],
    recordings: typeof recordings === 'string' ? recordings : join(settings.dataDir, 'recordings'),
    archive: typeof recordings === 'string' ? null : recordings,
    logFormat: settings.logFormat ?? (request.terminal === true ? 'pretty' : 'json'),
  });
}

function refused(
  option: { readonly name: string; readonly secret: string },
  setting: Setting,
  remedy: string,
): ConfigProblem {
  const text = setting.text ?? '';
  const shown =
    option.secret === 'no' ? JSON.stringify(printable(text)) : `${text.length} characters`;
  return { setting: option.name, found: `found ${shown} (${setting.from})`, remedy };
}

/** A receiver could not tell our deliveries from anybody's. */
function unsigned(values: Partial<Record<keyof Settings, unknown>>): ConfigProblem[] {
  const naming = (['sealSinks', 'alertSinks'] as const).find((key) =>
    ((values[key] ?? []) as readonly SinkAddress[]).some(({ type }) => type === 'webhook'),
  );
  if (naming === undefined || values.webhookSecret !== null) return [];
  const { name: setting } = OPTIONS.webhookSecret;
  const found = `not set, and ${OPTIONS[naming].name} names a webhook`;
  return [{ setting, found, remedy: 'set what its receiver checks signatures with' }];
}

/** The first setting that is in a bucket; null: none is. */
function inBucket(values: Partial<Record<keyof Settings, unknown>>): string | null {
  const { recordings, sealSinks, alertSinks } = values;
  if (recordings != null && typeof recordings !== 'string') return OPTIONS.recordings.name;
  if (hasBucket(sealSinks)) return OPTIONS.sealSinks.name;
  return hasBucket(alertSinks) ? OPTIONS.alertSinks.name : null;
}

function hasBucket(sinks: unknown): boolean {
  return Array.isArray(sinks) && sinks.some(({ type }: SinkAddress) => type === 'bucket');
}

/** A bucket is of no use without its keys. */
function keyProblems(values: Partial<Record<keyof Settings, unknown>>): ConfigProblem[] {
  const name = inBucket(values);
  if (name === null) return [];
  const keys = ['s3AccessKey', 's3SecretKey'] as const;
  return keys
    .filter((key) => values[key] === null)
    .map((key) => ({
      setting: OPTIONS[key].name,
      found: `not set, and ${name} is in an S3-compatible store`,
      remedy: 'set it to the key that the store gave',
    }));
}

/** The demo machine is a shell on this host, so it goes with nothing that serves others. */
function demoProblems(
  env: Environment,
  given: ReadonlyMap<string, Given>,
  values: Partial<Record<keyof Settings, unknown>>,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (setting: string, found: string, remedy: string): void => {
    problems.push({ setting, found, remedy });
  };
  for (const name of [OPTIONS.databaseUrl.name, OPTIONS.redisUrl.name]) {
    const from = given.get(name)?.from;
    if (from === undefined) continue;
    refuse(name, `set (${from}) together with --demo`, 'remove one of the two');
  }
  if (env.NODE_ENV === 'production') {
    refuse('NODE_ENV', '"production" together with --demo', 'remove one of the two');
  }
  for (const key of ['sshListen', 'httpListen'] as const) {
    const listener = values[key] as Listener | undefined;
    if (listener === undefined || isLoopback(listener)) continue;
    refuse(
      OPTIONS[key].name,
      `"${formatListener(listener)}" together with --demo, which gives a shell on this machine`,
      'listen on 127.0.0.1 or [::1], or leave out --demo',
    );
  }
  return problems;
}
