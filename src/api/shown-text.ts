import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { isRedacted, type RedactWish } from './recording-view.ts';

/**
 * Text that was read off recordings, as the caller may have it: every way of it out of the server leads
 * through here. Without what would control a terminal, and what is secret. Throws `redaction.raw`.
 */
export function shownText(
  deps: Pick<ApiDeps, 'redaction'>,
  caller: Caller,
  text: string,
  wish?: RedactWish,
): string {
  const plain = text.replace(/[^\P{Cc}\n\t]/gu, '');
  return isRedacted(caller, wish) ? deps.redaction.text(plain) : plain;
}
