import type { Program } from './terminal.ts';

/** What a grant can allow (spec/interface.md); what is not named is denied. */
export const CAPABILITIES = [
  'shell',
  'exec',
  'sftp',
  'upload',
  'download',
  'forward-local',
  'forward-remote',
  'agent',
  'x11',
] as const;

export type Capability = (typeof CAPABILITIES)[number];

export function isCapability(text: string): text is Capability {
  return (CAPABILITIES as readonly string[]).includes(text);
}

/**
 * The capability that a program needs as a rule; what else will do is in program-access.ts. `rsync` is
 * a command, so it needs `exec`; other subsystems than sftp run a command of the machine's choosing, so
 * they do too.
 */
export function capabilityOf(program: Program): Capability {
  if (program.type === 'shell') return 'shell';
  if (program.type === 'subsystem' && program.name === 'sftp') return 'sftp';
  return 'exec';
}
