import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A file of the console, in memory: there are a dozen, together under a megabyte. */
interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly etag: string;
}

const OWN = new URL('./assets/', import.meta.url);
const PLAYER = 'asciinema-player/dist/bundle/';
const resolve = createRequire(import.meta.url).resolve;

const FILES = {
  'console.css': { from: new URL('console.css', OWN), type: 'text/css; charset=utf-8' },
  'replay.js': { from: new URL('replay.js', OWN), type: 'text/javascript; charset=utf-8' },
  'live.js': { from: new URL('live.js', OWN), type: 'text/javascript; charset=utf-8' },
  'terminal.css': { from: new URL('terminal.css', OWN), type: 'text/css; charset=utf-8' },
  'terminal.js': { from: new URL('terminal.js', OWN), type: 'text/javascript; charset=utf-8' },
  'terminal-keys.js': {
    from: new URL('terminal-keys.js', OWN),
    type: 'text/javascript; charset=utf-8',
  },
  'terminal-screen.js': {
    from: new URL('terminal-screen.js', OWN),
    type: 'text/javascript; charset=utf-8',
  },
  'terminal-wait.js': {
    from: new URL('terminal-wait.js', OWN),
    type: 'text/javascript; charset=utf-8',
  },
  'xterm-headless.mjs': {
    from: resolve('@xterm/headless/lib-headless/xterm-headless.mjs'),
    type: 'text/javascript; charset=utf-8',
  },
  'favicon.svg': { from: new URL('favicon.svg', OWN), type: 'image/svg+xml' },
  'player.js': {
    from: resolve(`${PLAYER}asciinema-player.min.js`),
    type: 'text/javascript; charset=utf-8',
  },
  'player.css': { from: resolve(`${PLAYER}asciinema-player.css`), type: 'text/css; charset=utf-8' },
} as const;

type AssetName = keyof typeof FILES;

/**
 * The console's files, read once. A file's address holds a hash of what is in it, so that browsers
 * may keep it for ever and a new version is a new address.
 */
export class Assets {
  readonly #byPath = new Map<string, Asset>();
  readonly #paths = new Map<string, string>();

  constructor() {
    for (const [name, { from, type }] of Object.entries(FILES)) {
      const body = Buffer.from(readFileSync(from));
      const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
      const path = `/assets/${hash}/${name}`;
      this.#byPath.set(path, { path, type, body, etag: `"${hash}"` });
      this.#paths.set(name, path);
    }
  }

  /** The address of a file, for pages. */
  path(name: AssetName): string {
    return this.#paths.get(name) ?? `/assets/${name}`;
  }

  /** Null: there is no such file. */
  answer(path: string, ifNoneMatch: string | undefined): Response | null {
    const asset = this.#byPath.get(path);
    if (asset === undefined) return null;
    const headers = {
      'Content-Type': asset.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      ETag: asset.etag,
    };
    const known = ifNoneMatch?.split(',').some((etag) => etag.trim() === asset.etag) === true;
    if (known) return new Response(null, { status: 304, headers });
    return new Response(asset.body, { headers });
  }
}
