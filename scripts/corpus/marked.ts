import type { Scenario } from './stage.ts';
export const MARKED: readonly Scenario[] = [];
