import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const { O_APPEND, O_CREAT, O_RDWR } = constants;
const NEWLINE = 0x0a;

/**
 * A file that only grows: it is opened to append, anew for each batch, so that it may be moved away,
 * and may be one that can be appended to alone (`chattr +a`). Resolves when the lines are on the disk.
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, O_RDWR | O_APPEND | O_CREAT, 0o600);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    // A loss of power can have left half a line, which comes again whole.
    const mend = size > 0 && last[0] !== NEWLINE ? '\n' : '';
    await file.appendFile(`${mend}${lines.map((line) => `${line}\n`).join('')}`);
    await file.datasync();
  } finally {
    await file.close();
  }
}
