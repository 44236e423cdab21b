import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Config, loadConfig } from '../config/load.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { createLogger } from '../log/logger.ts';
import { readyFiles, removeReadyFile, writeReadyFile } from './ready-file.ts';
import type { RunningApp, StartApp, Welcome } from './running-app.ts';
import type { Shell } from './shell.ts';
import { Shutdown } from './shutdown.ts';

export interface ServeOptions {
  readonly demo: boolean;
  readonly configFile: string | null;
}

/** What is printed when the server is ready. */
export function welcomeText(welcome: Welcome, demo: boolean): string {
  const lines = ['', demo ? 'Postern is ready, with a demo machine.' : 'Postern is ready.', ''];
  for (const { line, note } of welcome.commands) lines.push(`  ${line}`, `      ${note}`, '');
  lines.push(`  Console   ${welcome.console}`, `  Data      ${welcome.data}`);
  lines.push(...welcome.notes.map((note) => `  Note      ${note}`));
  return `${lines.join('\n')}\n\nCtrl-C ends it.\n\n`;
}

/**
 * `postern serve`: runs until a signal, and resolves to the exit status. The log goes to stderr, the
 * text for people to stdout. Throws ConfigError, and whatever the application's start throws.
 */
export async function serve(shell: Shell, options: ServeOptions): Promise<number> {
  const config = loadConfig(shell.env, {
    configFile: options.configFile,
    demo: options.demo,
    terminal: 'isTTY' in shell.stderr && shell.stderr.isTTY === true,
  });
  const log = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    stream: shell.stderr,
  });
  const leave = (status: number): void => {
    for (const file of readyFiles(config)) removeReadyFile(file);
    process.exit(status);
  };
  const shutdown = new Shutdown({ log, exit: leave });
  const unlisten = shutdown.listen();
  try {
    takeDirectory(config.dataDir);
    // Loaded here alone: the other commands must not wait for ssh2 and the database.
    const { startApp } = await import('../app/app.ts');
    return await runUntilSignal(shell, { config, log, shutdown, startApp });
  } finally {
    for (const file of readyFiles(config)) removeReadyFile(file);
    unlisten();
  }
}

/** Made where it is missing. Throws `store.data_dir` where this account cannot work in it. */
function takeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new PosternError('store.data_dir', { dir, reason: reasonOf(error) });
  }
}

interface Run {
  readonly config: Config;
  readonly log: Logger;
  readonly shutdown: Shutdown;
  readonly startApp: StartApp;
}

async function runUntilSignal(shell: Shell, run: Run): Promise<number> {
  const { config, log, shutdown } = run;
  const app: RunningApp = await run.startApp(config, { demo: config.demo, log });
  shutdown.started(app);
  try {
    for (const file of readyFiles(config)) writeReadyFile(file, app.ready);
  } catch (error) {
    await app.drain('no ready file');
    throw error;
  }
  shell.stdout.write(welcomeText(app.welcome, config.demo));
  return await shutdown.ended;
}
