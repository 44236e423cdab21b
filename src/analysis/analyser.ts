import type { AnalysedChannel, Analyser } from '../domain/analysis.ts';
import { ProgramAnalyser } from './program.ts';
import { TerminalAnalyser } from './terminal-analyser.ts';

/** What the analyses of this code differ in from those of earlier code; they are made anew then. */
export const VERSION = 2;

/** `state` null: from the recording's beginning. */
export function analyserOf(channel: AnalysedChannel, state: string | null): Analyser {
  return channel.pty ? new TerminalAnalyser(channel, state) : new ProgramAnalyser(channel, state);
}
