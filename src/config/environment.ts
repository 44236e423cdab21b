/** Variables by name, as `process.env` has them. */
export interface Environment {
  readonly [name: string]: string | undefined;
  readonly NODE_ENV?: string | undefined;
  readonly POSTERN_URL?: string | undefined;
  readonly POSTERN_TOKEN?: string | undefined;
  readonly POSTERN_CONFIG?: string | undefined;
}

/** The environment that this process was started with. */
export function environment(): Environment {
  return process.env;
}
