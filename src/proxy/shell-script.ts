import { readFileSync } from 'node:fs';
import type { MarkedShell } from '../domain/shell-integration.ts';

/** The script that makes a shell mark its commands. */
export function shellScript(shell: MarkedShell): string {
  return readFileSync(new URL(`shell-integration/postern.${shell}`, import.meta.url), 'utf8');
}

const VERSION = { bash: 'BASH_VERSION', zsh: 'ZSH_VERSION', fish: 'FISH_VERSION' };

/**
 * The same as one line to be typed, with its end. Below 4096 bytes, which is what a terminal holds of a
 * line before its shell reads it; of built-ins alone; and without a quote or a `!` within its quotes, so
 * that other shells see one word behind a test that fails, and no history is looked up. The space keeps
 * it out of many histories.
 */
export function shellLine(shell: MarkedShell): string {
  const script = shellScript(shell)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
  return ` test -n "$${VERSION[shell]}" && eval ${shell === 'fish' ? inFish(script) : quoted(script)}\r`;
}

/** ANSI-C quoting, as bash and zsh have it. */
function quoted(text: string): string {
  const inside = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", '\\047')
    .replaceAll('!', '\\041')
    .replaceAll('\n', '\\n');
  return `$'${inside}'`;
}

function inFish(text: string): string {
  const inside = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "'\\x27'")
    .replaceAll('!', "'\\x21'")
    .replaceAll('\n', "'\\n'");
  return `'${inside}'`;
}
