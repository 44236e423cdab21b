import type { Logger } from '../../src/domain/log.ts';

export const SECRET_KEY: Buffer = Buffer.alloc(32, 7);

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
