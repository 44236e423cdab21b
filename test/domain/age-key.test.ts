import { expect, test } from 'vitest';
import { isAgeIdentity, isAgeRecipient, namesOfRecipients } from '../../src/domain/age-key.ts';
import { newAgeKeys } from '../support/age-keys.ts';

/** Of age's documentation. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

test('what age makes is a key of its kind alone', async () => {
  expect(isAgeRecipient(RECIPIENT)).toBe(true);
  for (let n = 0; n < 20; n += 1) {
    const { identity, recipient } = await newAgeKeys();
    expect([isAgeRecipient(recipient), isAgeIdentity(recipient)]).toEqual([true, false]);
    expect([isAgeRecipient(identity), isAgeIdentity(identity)]).toEqual([false, true]);
  }
});

test('a key with any character changed, missing or added is none', () => {
  for (let at = 0; at < RECIPIENT.length; at += 1) {
    const other = RECIPIENT[at] === 'q' ? 'p' : 'q';
    const [before, after] = [RECIPIENT.slice(0, at), RECIPIENT.slice(at + 1)];
    expect(isAgeRecipient(before + other + after)).toBe(false);
    expect(isAgeRecipient(before + after)).toBe(false);
    expect(isAgeRecipient(before + (RECIPIENT[at] ?? '') + other + after)).toBe(false);
  }
  for (const text of ['', 'age1', 'age1pq1qqqq', RECIPIENT.toUpperCase(), ` ${RECIPIENT}`]) {
    expect(isAgeRecipient(text)).toBe(false);
  }
});

test('a message names recipients by their beginning', () => {
  expect(namesOfRecipients([RECIPIENT, RECIPIENT])).toBe(
    'age1ql3z7hjy54pw3hyw…, age1ql3z7hjy54pw3hyw…',
  );
});
