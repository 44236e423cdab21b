import { expect, test } from 'vitest';
import { AccessNews } from '../../src/control/access-news.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import { within } from '../support/eventually.ts';

test('word is not lost between two questions, nor with the process that heard it', async () => {
  const [changes, news] = [new LocalChanges(), new AccessNews(undefined)];
  news.watch(changes);
  const first = await within('an answer at once', news.since(null));
  changes.publish();
  const second = await within('what came between', news.since(first));
  expect(second).not.toBe(first);
  const asked = news.since(second);
  changes.publish();
  expect(await within('what comes now', asked)).not.toBe(second);
  await within('another process', new AccessNews(undefined).since(second));
  const last = news.since(await news.since(null));
  news.close();
  await within('the end', last);
});
