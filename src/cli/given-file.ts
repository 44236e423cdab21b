import { readFileSync } from 'node:fs';
import { CommandFailure } from './shell.ts';

/** A file that the command line names. Throws CommandFailure, status 1, where it cannot be read. */
export function readGiven(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): CommandFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return new CommandFailure(1, `${path} cannot be read (${code})`, { cause: error });
}
