import { readKept } from '../control/kept-file.ts';
import { isAgeIdentity } from '../domain/age-key.ts';

/**
 * The identities of age in a file, as age-keygen writes them: a line each, comments between them. Throws
 * where it is not there, others can read it, or it holds none; the message never holds one.
 */
export function identitiesIn(file: string): readonly string[] {
  const text = readKept(file);
  if (text === null) throw new Error(`${file} is not there`);
  const lines = text.split('\n').map((line) => line.trim());
  const isKey = (line: string): boolean => line !== '' && !line.startsWith('#');
  const bad = lines.findIndex((line) => isKey(line) && !isAgeIdentity(line));
  if (bad !== -1) throw new Error(`line ${bad + 1} of ${file} is no AGE-SECRET-KEY-1…`);
  const identities = lines.filter(isKey);
  if (identities.length === 0) throw new Error(`${file} holds no AGE-SECRET-KEY-1…`);
  return identities;
}
