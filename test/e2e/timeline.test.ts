import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { echo, exchange, freePort, type Listening } from '../support/tunnels.ts';

const SIZE = 70_000;

needs('ssh', 'sshd', 'scp', 'sftp').describe('the timeline of a recording', () => {
  let stage: Stage;
  let said: Listening;
  beforeAll(async () => {
    stage = await openStage();
    said = await echo();
    const { host, port, login, keyFile } = stage.sshd;
    await stage.bastion.apply(`
machines:
  - name: line1
    kind: ssh
    host: ${host}
    port: ${port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(keyFile)} } }
grants:
  - to: { user: alice }
    on: { machine: line1 }
    allow: [shell, exec, sftp, forward-local, forward-remote]
    forward_to: ["127.0.0.1:${said.port}"]
`);
  });
  afterAll(async () => {
    await said?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  async function marks(id: string, channel: number): Promise<readonly string[]> {
    const answer = await stage.bastion.api(`sessions/${id}/recording?channel=${channel}`);
    if (answer.status !== 200) return [];
    const { events } = checkAsciicast(answer.text);
    return events.filter(({ code }) => code === 'm').map(({ data }) => data);
  }

  test('has the forwards and the transfers that went on beside a shell', async () => {
    const { alice, bastion } = stage;
    const mux = alice.path('mux');
    const [local, remote] = [await freePort(), await freePort()];
    const forwards = ['-L', `${local}:127.0.0.1:${said.port}`, '-R', `${remote}:127.0.0.1:9`];
    await using screen = alice.terminal('alice+line1', 'echo ready; exec cat', {
      more: ['-M', '-S', mux, ...forwards],
    });
    await screen.shows('ready');
    const { id } = await eventually('it is active', async () => (await bastion.sessions())[0]);
    const channels = (await bastion.session(id)).channels ?? [];
    const shell = channels.findIndex(({ kind }) => kind === 'exec') + 1;
    expect((await exchange(local, Buffer.from('hello'))).toString()).toBe('hello');
    const file = alice.path('a file');
    writeFileSync(file, randomBytes(SIZE));
    const there = alice.path('there');
    const over = ['-o', `ControlPath=${mux}`];
    await alice.sftp('alice+line1', [`put "${file}" "${there}"`], over);
    await alice.scp('alice+line1', `:${there}`, alice.path('back'), ['-O', ...over]);
    const standing = expect.stringMatching(
      `^postern: forward-remote listen (localhost|127\\.0\\.0\\.1):${remote} \\(channel \\d+\\) (is open|opened)$`,
    );
    const place = `127\\.0\\.0\\.1:${said.port}`;
    const opened = expect.stringMatching(
      `^postern: forward-local ${place} \\(channel \\d+\\) opened$`,
    );
    const closed = expect.stringMatching(
      `^postern: forward-local ${place} \\(channel \\d+\\) closed, 5 bytes in, 5 bytes out$`,
    );
    const transfer = (way: string, protocol: string) =>
      expect.stringMatching(
        `^postern: ${way} of ${there}, ${SIZE} bytes, ok \\(${protocol}, channel \\d+\\)$`,
      );
    const all = [standing, opened, closed, transfer('upload', 'sftp'), transfer('download', 'scp')];
    const seen = await eventually('all marks of the shell', async () => {
      const found = await marks(id, shell);
      return found.length >= all.length ? found : null;
    });
    // That a forward is closed may be seen later than what came after it.
    expect(seen).toHaveLength(all.length);
    expect(seen).toEqual(expect.arrayContaining(all));
    // The last channel is scp's, which has a recording of its own.
    const last = (await bastion.session(id)).channels?.length ?? 0;
    const own = await eventually('the mark of scp', async () => {
      const found = await marks(id, last);
      return found.some((mark) => mark.includes('download')) ? found : null;
    });
    expect(own[0]).toEqual(standing);
    expect(own).toContainEqual(transfer('download', 'scp'));
    screen.type('\x04');
    expect(await screen.exited()).toBe(0);
    await eventually('all of it is sealed', async () => {
      const { recordings } = await bastion.session(id);
      return recordings?.length === 2 && recordings.every(({ state }) => state === 'complete');
    });
  });
});
