import { PosternError } from '../domain/errors.ts';
import type { ApiDeps } from './deps.ts';
import { refuse } from './errors.ts';

/** Throws `request.invalid` naming the field of a pattern that is not possible. */
export function checkPatternIn(
  { checkAlertPattern }: Pick<ApiDeps, 'checkAlertPattern'>,
  field: string,
  pattern: string,
): void {
  try {
    checkAlertPattern(pattern);
  } catch (error) {
    if (error instanceof PosternError) refuse(field, error.message);
    throw error;
  }
}
