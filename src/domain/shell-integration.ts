/** Shells that can be made to mark where commands begin and end; docs/shell-integration.md. */
export const MARKED_SHELLS = ['bash', 'zsh', 'fish'] as const;
export type MarkedShell = (typeof MARKED_SHELLS)[number];
