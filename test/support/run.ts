import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { plainEnvironment } from './environment.ts';

export interface RunOptions {
  /** Given whole to stdin, which then ends; or a file descriptor; null: /dev/null. */
  readonly input?: string | Buffer | number | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly deadlineMs?: number;
  /** Keep a hash of stdout alone, for what is large. */
  readonly hashOnly?: boolean;
}

export interface Finished {
  /** 128 and the signal's number when a signal ended it, as a shell says it. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** SHA-256 of stdout, hex, and its length in bytes. */
  readonly sha256: string;
  readonly bytes: number;
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Resolves when the process has ended and its output has been read; rejects at the deadline. */
function ended(child: ChildProcess, what: string, deadlineMs: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, deadlineMs);
  child.once('error', reject);
  child.once('close', (code, signal) => {
    clearTimeout(timer);
    if (late) reject(new Error(`not ended within ${deadlineMs} ms: ${what}`));
    else resolve(code ?? 128 + (signal === null ? 0 : (SIGNAL_NUMBERS[signal] ?? 0)));
  });
  return promise;
}

/** Runs a program to its end. Its environment is plain (see environment.ts). */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { input = null } = options;
  const stdin = typeof input === 'number' ? input : input === null ? 'ignore' : 'pipe';
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: plainEnvironment(options.env),
    stdio: [stdin, 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    if (!options.hashOnly) chunks.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  // A program may end before it has read its input.
  child.stdin?.on('error', () => undefined);
  if (typeof input !== 'number' && input !== null) child.stdin?.end(input);
  const what = [file, ...args].join(' ');
  const status = await ended(child, what, options.deadlineMs ?? 30_000).catch((error: unknown) => {
    const stderr = Buffer.concat(errors).toString();
    throw new Error(`${String(error)}\nstderr: ${stderr}`, { cause: error });
  });
  return {
    status,
    stdout: Buffer.concat(chunks),
    stderr: Buffer.concat(errors).toString(),
    sha256: hash.digest('hex'),
    bytes,
  };
}

/** As `run`, and rejects when the status is not 0. */
export async function must(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await run(file, args, options);
  if (finished.status !== 0) {
    throw new Error(`${file} ${args.join(' ')}: ${finished.status}\n${finished.stderr}`);
  }
  return finished;
}
