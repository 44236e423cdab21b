import type { Analysis, SessionCommand } from './analysis.ts';

/** The first commands of a channel, as somebody may see them. */
export interface ShownCommands {
  readonly commands: readonly SessionCommand[];
  /** Whether there are others. */
  readonly more: boolean;
  /** How far the reading of its recording is; null: it is not read. */
  readonly analysis: Analysis | null;
}
