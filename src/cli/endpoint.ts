import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../config/environment.ts';
import { OPTIONS } from '../config/options.ts';
import { fromFile } from '../config/sources.ts';
import { Secret } from '../domain/secret.ts';
import { READY_FILE, readReadyFile } from './ready-file.ts';
import { CommandFailure } from './shell.ts';

/** Where the API is and what opens it. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: Secret;
  /** For people: where url and token came from. */
  readonly from: string;
}

/** The data directory of this machine's server; relative paths start at the working directory. */
export function dataDirectory(env: Environment): string {
  const { name, fallback } = OPTIONS.dataDir;
  const file = env.POSTERN_CONFIG;
  const inFile = file === undefined || file === '' ? null : fromFile(file).given.get(name);
  return resolve(env[name] || (inFile?.text ?? fallback ?? '.'));
}

/**
 * POSTERN_URL and POSTERN_TOKEN, or this machine's server by its ready file and admin token. The
 * admin token goes to no other server than the one that wrote the ready file.
 */
export function findEndpoint(env: Environment): Endpoint {
  const url = env.POSTERN_URL ?? '';
  const token = env.POSTERN_TOKEN ?? '';
  if (url !== '') {
    if (token === '') {
      throw new CommandFailure(2, 'POSTERN_URL is set, and POSTERN_TOKEN is not; set both');
    }
    return { url: checkedUrl(url), token: new Secret(token), from: 'POSTERN_URL' };
  }
  const file = join(dataDirectory(env), READY_FILE);
  const ready = readReadyFile(file);
  if (ready === null) {
    throw new CommandFailure(
      1,
      `no server is running here: there is no ${file}. Start one with "postern serve", or set POSTERN_URL and POSTERN_TOKEN`,
    );
  }
  const own = token || (env[OPTIONS.adminToken.name] ?? '') || readToken(ready.admin_token_file);
  return { url: checkedUrl(ready.http.url), token: new Secret(own), from: file };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CommandFailure(
      1,
      `the token in ${file} cannot be read (${code}); set POSTERN_TOKEN`,
      {
        cause: error,
      },
    );
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new CommandFailure(2, 'POSTERN_URL must be http://HOST:PORT or https://HOST');
  }
  return text.replace(/\/+$/, '');
}
