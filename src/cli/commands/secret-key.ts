import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { rekeyRecordings } from '../../app/rekeyed-recordings.ts';
import { loadConfig } from '../../config/load.ts';
import { rotateSecretKey } from '../../control/secret-key-rotation.ts';
import { createLogger } from '../../log/logger.ts';
import { lockDataDir } from '../../store/data-dir-lock.ts';
import { showDone } from '../output.ts';
import type { Shell } from '../shell.ts';

/** `postern secret-key rotate`: needs no server, and refuses while one runs on the database. */
export function addSecretKeyCommand(program: Command, shell: Shell): void {
  program
    .command('secret-key')
    .description('the key that encrypts stored credentials')
    .command('rotate')
    .description('make a new one and encrypt everything under it; stop all nodes first')
    .option('--config <file>', 'a YAML file of settings')
    .action((options: { config?: string }) => rotate(shell, options.config));
}

async function rotate(shell: Shell, configFile: string | undefined): Promise<void> {
  const config = loadConfig(shell.env, {
    configFile: configFile ?? shell.env.POSTERN_CONFIG ?? null,
  });
  const { dataDir, secretKey } = config;
  const log = createLogger({ level: 'warn', format: config.logFormat, stream: shell.stderr });
  const database = { databaseUrl: config.databaseUrl?.expose() ?? null, dataDir, log };
  // Loaded here alone: the other commands must not wait for the database's code.
  const { requireStopped, reseal } = await import('../../store/reseal.ts');
  const lock = await lockDataDir(dataDir, log);
  // Before there is a new key, which the next server here would seal under.
  await requireStopped(database);
  const { texts, file, toBeSet } = await rotateSecretKey(secretKey, dataDir, async (keys) => {
    await rekeyRecordings(config.recordings, keys, log);
    return await reseal(database, keys, account());
  });
  await lock.release();
  const what = texts === 1 ? '1 stored secret' : `${texts} stored secrets`;
  showDone(
    shell,
    toBeSet
      ? `${what} encrypted under the key in ${file}: set POSTERN_SECRET_KEY to it, on every node`
      : `${what} encrypted under a new key; give other nodes a copy of ${file}`,
  );
}

/** Whose account it runs under; null: the system has no name for it. */
function account(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
