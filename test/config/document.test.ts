import { join } from 'node:path';
import { expect, test } from 'vitest';
import { settingsDocument } from '../../src/config/document.ts';

test('docs/settings.md says what the table of settings says', async () => {
  const file = join(import.meta.dirname, '../../docs/settings.md');
  await expect(settingsDocument()).toMatchFileSnapshot(file);
});
