import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { Secret } from '../../src/domain/secret.ts';
import { Webhook } from '../../src/outbound/webhook.ts';
import { startReceiver } from '../support/receiver.ts';

const SECRET = 'a secret that both know';

function webhook(url: string, deadlineMs?: number): Webhook {
  const options = { url: new Secret(url), secret: new Secret(SECRET) };
  return new Webhook(deadlineMs === undefined ? options : { ...options, deadlineMs });
}

test('a delivery is JSON that its receiver can check', async () => {
  await using receiver = await startReceiver();
  const before = Math.floor(Date.now() / 1000);
  await webhook(receiver.url).deliver('one', '{"text":"ünï"}');
  const [delivery] = receiver.deliveries;
  expect(delivery?.body).toBe('{"text":"ünï"}');
  expect(delivery?.headers).toMatchObject({
    'content-type': 'application/json',
    'postern-delivery': 'one',
  });
  const signature = String(delivery?.headers['postern-signature']);
  const [, seconds = '', hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  expect(Number(seconds)).toBeGreaterThanOrEqual(before);
  const own = createHmac('sha256', SECRET).update(`${seconds}.${delivery?.body}`).digest('hex');
  expect(hex).toBe(own);
});

test.each([301, 400, 500])('an answer of %i is none', async (status) => {
  await using receiver = await startReceiver();
  receiver.answer = status;
  await expect(webhook(receiver.url).deliver('one', '{}')).rejects.toThrow(
    `the receiver answered ${status}`,
  );
  // Nobody was sent where a redirection led.
  expect(receiver.deliveries).toHaveLength(1);
});

test('a receiver that does not answer is not waited for, and its address is not told', async () => {
  await using receiver = await startReceiver();
  receiver.answer = null;
  await expect(webhook(receiver.url, 200).deliver('one', '{}')).rejects.toThrow(
    'no answer (TimeoutError)',
  );
  const { url } = receiver;
  await receiver[Symbol.asyncDispose]();
  const gone = webhook(url).deliver('one', '{}');
  await expect(gone).rejects.toThrow(/^no answer \(ECONNREFUSED\)$/);
});
