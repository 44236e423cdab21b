import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { listenHttp } from '../../src/api/listen.ts';
import { listening } from '../../src/app/listening.ts';

const fetch = () => new Response('here');

test('an address that is taken is an error that names the setting', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const at = { host: '127.0.0.1', port };
  try {
    await expect(
      listening('POSTERN_HTTP_LISTEN', at, () => listenHttp({ fetch, ...at })),
    ).rejects.toThrow(
      `POSTERN_HTTP_LISTEN: cannot listen on 127.0.0.1:${port}: another program listens there`,
    );
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test('an address that is not here is an error that names the setting', async () => {
  const at = { host: '192.0.2.1', port: 0 };
  await expect(
    listening('POSTERN_SSH_LISTEN', at, () => listenHttp({ fetch, ...at })),
  ).rejects.toThrow('POSTERN_SSH_LISTEN: cannot listen on 192.0.2.1:0: this machine has no such');
});
