import { InvalidArgumentError } from 'commander';
import { parseRetention } from '../domain/retention.ts';
import { readSecretFile } from './setup/secrets.ts';
import { parseDuration, parseNetwork, parseTag, parseTime } from './setup/values.ts';
import { CommandFailure, type Shell } from './shell.ts';

/** The most rows that a list prints. */
const MOST_ROWS = 10_000;

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export const rows = wholeNumber(1, MOST_ROWS);

/** An option that may be given several times, or once with commas. */
export function several(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  return [...before, ...words.filter((word) => word !== '')];
}

/** As `several`, each of it a network. */
export function networks(text: string, before: readonly string[] = []): readonly string[] {
  return [
    ...before,
    ...several(text).map((each) => must(parseNetwork(each), 'a network: 10.0.0.0/8')),
  ];
}

export function duration(text: string): number {
  return must(parseDuration(text), 'a duration: 8h, 30m, 90s');
}

export function retention(text: string): number {
  return must(parseRetention(text), 'a time to keep things: 90d, 12h, 7y or forever');
}

export function time(text: string): string {
  return must(parseTime(text), 'a time: 2027-01-01T00:00:00Z, or 2027-01-01');
}

export function tag(text: string): { readonly key: string; readonly value: string } {
  return must(parseTag(text), 'a tag: env=prod');
}

export function tags(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const { key, value } = tag(text);
  return { ...before, [key]: value };
}

function must<Value>(value: Value | null, what: string): Value {
  if (value === null) throw new InvalidArgumentError(`It must be ${what}.`);
  return value;
}

/** Where a secret is: never on the command line itself, which everybody on the machine can read. */
export interface SecretOptions {
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
}

/** The password of `--password-file` or `--password-env`; null when neither is given. */
export function passwordOf(shell: Shell, options: SecretOptions): string | null {
  const { passwordFile, passwordEnv } = options;
  if (passwordFile !== undefined && passwordEnv !== undefined) {
    throw new CommandFailure(2, 'give one of --password-file and --password-env');
  }
  if (passwordFile !== undefined) return secretFile(passwordFile);
  if (passwordEnv === undefined) return null;
  const text = shell.env[passwordEnv] ?? '';
  if (text === '') throw new CommandFailure(1, `the variable ${passwordEnv} is not set`);
  return text;
}

export function secretFile(path: string): string {
  const read = readSecretFile(path);
  if ('problem' in read) throw new CommandFailure(1, `${path} ${read.problem}`);
  return read.text;
}
