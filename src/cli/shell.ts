import type { Environment } from '../config/environment.ts';

/** Where a command reads and writes; a test gives its own. */
export interface Shell {
  readonly env: Environment;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Whether answers go to a person's terminal, and how wide it is. */
  readonly terminal: boolean;
  readonly columns: number;
}

/** A command's end with a status other than 0: 1 refused or failed, 2 wrong usage. */
export class CommandFailure extends Error {
  readonly status: 1 | 2;

  constructor(status: 1 | 2, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'CommandFailure';
    this.status = status;
  }
}
