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

/** What a child process of this server needs; no setting, since settings may be secrets. */
const FOR_CHILDREN = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'NODE_ENV',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_COMPILE_CACHE',
  'NODE_V8_COVERAGE',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'OPENSSL_CONF',
  'UV_THREADPOOL_SIZE',
] as const;

/** The environment for a child process of this server. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    FOR_CHILDREN.map((name) => [name, process.env[name]]).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
