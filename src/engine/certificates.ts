import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unreachableFor } from './unreachable.ts';

const UNREADABLE = 'the bastion cannot read its certificates';

/** What an engine behind TLS is shown, and judged by; PEM. */
export interface EngineCertificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads them as Docker names them: `ca.pem`, `cert.pem` and `key.pem`, in `DIR/HOST/` or, for all
 * others, in DIR. Read anew for each connection, so that they can be replaced. Throws PosternError
 * `engine.unreachable`.
 */
export function engineCertificates(
  directory: string | null,
  host: string,
  engine: string,
): EngineCertificates {
  if (directory === null) {
    throw unreachableFor(engine, UNREADABLE, 'POSTERN_ENGINE_CERTS names no directory');
  }
  return readIn(join(directory, host)) ?? readIn(directory) ?? none(directory, engine);
}

function none(directory: string, engine: string): never {
  const detail = `ca.pem, cert.pem and key.pem cannot be read in ${directory}`;
  throw unreachableFor(engine, UNREADABLE, detail);
}

function readIn(directory: string): EngineCertificates | null {
  try {
    const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch {
    return null;
  }
}
