import { KeyCertificateAuthority } from '../../src/ssh/certificate-signing.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { the } from './requirements.ts';
import { run } from './run.ts';

/** One with a key of its own. */
export function testAuthority(): KeyCertificateAuthority {
  return new KeyCertificateAuthority(generateHostKey().privatePem);
}

/** What `ssh-keygen -L` shows of a certificate, without the blanks in front of its lines. */
export async function shownCertificate(line: string): Promise<string> {
  const finished = await run(the('ssh-keygen'), ['-L', '-f', '-'], { input: `${line}\n` });
  if (finished.status !== 0) throw new Error(finished.stderr);
  return finished.stdout.toString().replace(/^ +/gm, '');
}

/** The entries of one of its lists; `(none)` is an empty one. */
export function linesAfter(shown: string, heading: string): readonly string[] {
  const [, after = ''] = shown.split(`${heading} `.trimEnd());
  const [first = '', ...rest] = after.split('\n');
  if (first.trim() === '(none)') return [];
  const end = rest.findIndex((line) => line === '' || line.includes(':'));
  return rest.slice(0, end).map((line) => line.trim());
}
