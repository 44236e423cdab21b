import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What of asciinema-player's core tests use; it is not among the package's exports. */
interface PlayerCore {
  addEventListener(name: string, listener: (event: unknown) => void): void;
  terminalReady(): void;
  init(): Promise<void>;
  seek(where: string): Promise<unknown>;
  stop(): Promise<void>;
  getDuration(): number;
}

type PlayerCoreClass = new (
  source: { data: () => Response },
  options: Readonly<Record<string, unknown>>,
) => PlayerCore;

async function playerCore(): Promise<PlayerCoreClass> {
  const index = import.meta.resolve('asciinema-player');
  const name = readdirSync(fileURLToPath(new URL('.', index))).find((file) =>
    /^core-\w+\.js$/.test(file),
  );
  const module: { C: PlayerCoreClass } = await import(new URL(name ?? 'none', index).href);
  return module.C;
}

/** Everything that the real player would draw, seeking to the end, without a browser. */
export async function play(text: string) {
  const Core = await playerCore();
  const quiet = () => undefined;
  const logger = { debug: quiet, info: quiet, log: quiet, warn: quiet, error: quiet };
  const core = new Core({ data: () => new Response(text) }, { preload: true, logger, speed: 1 });
  const output: string[] = [];
  const sizes: unknown[] = [];
  const errors: unknown[] = [];
  core.addEventListener('output', (data) => {
    output.push(Array.isArray(data) ? data.join('') : String(data));
  });
  core.addEventListener('resize', (size) => sizes.push(size));
  core.addEventListener('error', (error) => errors.push(error));
  core.terminalReady();
  await core.init();
  await core.seek('100%');
  const duration = core.getDuration();
  await core.stop();
  return { output: output.join(''), sizes, errors, duration };
}
