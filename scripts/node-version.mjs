// The oldest Node that Postern runs on: types are stripped without a flag or a warning from here.
import { fileURLToPath } from 'node:url';

export const OLDEST = [22, 18];

/** True when `version` (as in process.versions.node) is new enough to run Postern. */
export function supported(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !supported(process.versions.node)) {
  process.stderr.write(
    `postern: this is Node ${process.versions.node}; Postern needs ${OLDEST.join('.')} or newer. ` +
      'Run `npm ci` here: it brings one.\n',
  );
  process.exitCode = 1;
}
