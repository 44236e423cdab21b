import './wasm-wrappers.ts';
import { run } from './cli/program.ts';
import { environment } from './config/environment.ts';

let unwritten = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that went away (`postern session ls | head -1`) is no failure.
  if (error.code !== 'EPIPE') unwritten = true;
});

const status = await run(process.argv.slice(2), {
  env: environment(),
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 0,
});

process.exitCode = unwritten ? 1 : status;
// A handle that a library left open must not keep a finished command alive.
setTimeout(() => process.exit(), 2000).unref();
