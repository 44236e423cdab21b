/** What is wrong with one setting. */
export interface ConfigProblem {
  readonly setting: string;
  /** What was there; of a secret only its shape. */
  readonly found: string;
  readonly remedy: string;
}

/** All that is wrong with the settings, together. `message` has a line for each problem. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((each) => `${each.setting}: ${each.found}: ${each.remedy}`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
