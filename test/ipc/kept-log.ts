import { Writable } from 'node:stream';
import type { Logger } from '../../src/domain/log.ts';
import { createLogger } from '../../src/log/logger.ts';

/** A logger whose lines a test can look at. */
export interface KeptLog {
  readonly log: Logger;
  text(): string;
}

export function keptLog(): KeptLog {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { log: createLogger({ level: 'debug', format: 'json', stream }), text: () => text };
}
