import { formatRetention } from '../domain/retention.ts';
import { Secret } from '../domain/secret.ts';
import { formatListener } from './listener.ts';
import type { Config, Sources } from './load.ts';
import { KEYS, OPTIONS } from './options.ts';
import { formatRekey, formatSize } from './parsers.ts';
import type { Settings } from './settings.ts';
import { formatSealSinks } from './sinks.ts';

/** One line of `postern config`. */
export interface ConfigRow {
  readonly setting: string;
  /** Null: not set; a secret's text is `<secret>`. */
  readonly value: string | number | null;
  readonly source: string;
}

/** Query parameters of a database's URL that are passwords. */
const SECRET_PARAMETERS = /password|sslpassword|secret|token|passfile/i;

/** A URL without its password; `<secret>` for what cannot be read as one. */
function hidePassword(text: string): string {
  const url = URL.parse(text);
  if (url === null) return '<secret>';
  const hidden = '--hidden--';
  if (url.password !== '') url.password = hidden;
  for (const name of [...url.searchParams.keys()]) {
    if (SECRET_PARAMETERS.test(name)) url.searchParams.set(name, hidden);
  }
  return url.href.replaceAll(hidden, '<secret>');
}

/** What is several in one text; null: the setting is no such, or not set. */
function several(key: keyof Settings, config: Config): string | null {
  if (key === 'sealSinks' || key === 'alertSinks') return formatSealSinks(config[key]) || null;
  return key === 'recordingRecipients' ? (config[key]?.join(',') ?? null) : null;
}

function shown(key: keyof Settings, config: Config): string | number | null {
  if (key === 'recordings' && config.archive !== null) return config.archive.text;
  const value = config[key];
  if (value instanceof Secret) {
    return OPTIONS[key].secret === 'in-url' ? hidePassword(value.expose()) : '<secret>';
  }
  // As it is written; held in milliseconds.
  if (key === 'approvalTimeout' || key === 'containerSessionTimeout')
    return `${config[key] / 1000}s`;
  if (key === 'minFree' || key === 'retentionSize' || key === 'recordingsCache')
    return formatSize(config[key]);
  if (key === 'retention') return formatRetention(config[key]);
  if (value === null || typeof value !== 'object') return value;
  if ('length' in value) return several(key, config);
  if ('rekeyBytes' in value) return formatRekey(value);
  return value.port === null ? value.host : formatListener({ host: value.host, port: value.port });
}

/** Every setting in force, secrets hidden. */
export function describeConfig(config: Config, sources: Sources): readonly ConfigRow[] {
  return KEYS.map((key) => ({
    setting: OPTIONS[key].name,
    value: shown(key, config),
    source: sources[key],
  }));
}
