import type { Scenario } from './stage.ts';
export const PROGRAMS: readonly Scenario[] = [];
