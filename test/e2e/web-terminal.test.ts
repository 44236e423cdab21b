import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { type MadeTerminal, TerminalUser, WebTerminalClient } from '../support/web-terminal.ts';

needs('ssh', 'sshd').describe("a browser's terminal", () => {
  let stage: Stage;
  let alice: TerminalUser;
  beforeAll(async () => {
    stage = await openStage();
    alice = await TerminalUser.of(stage.bastion, 'alice');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const SIZE = { terminal_size: { cols: 100, rows: 30 } };

  test('is a session like any other: typed in, resized, recorded and sealed', async () => {
    using open = await alice.open('web1', SIZE);
    const { made, client } = open;
    expect(made.websocket_url).toBe(
      `${stage.bastion.url.replace('http', 'ws')}/v1/sessions/${made.session_id}/ws`,
    );
    client.type('stty size\r');
    await client.shows('30 100');
    client.send({ type: 'resize', cols: 120, rows: 40 });
    client.type('stty size; printf "\\346\\274\\242\\n"\r');
    await client.shows('40 120');
    await client.shows('漢');
    client.send({ type: 'ping' });
    await eventually('a pong', () => client.messages.some(({ type }) => type === 'pong'));
    const live = await stage.bastion.session(made.session_id);
    expect(live).toMatchObject({ status: 'active', kind: 'web', user: { name: 'alice' } });
    client.type('exit 3\r');
    expect(await within('it closes', client.closed)).toBe(1000);
    expect(client.last).toEqual({
      ...{ type: 'disconnect', reason: 'client_closed', exit_status: 3, message: null },
    });
    const ended = await stage.bastion.lastEnded();
    expect(ended).toMatchObject({ id: made.session_id, kind: 'web', end_reason: 'client_closed' });
    expect(ended.recordings).toMatchObject([{ state: 'complete', channel: 1 }]);
    const verified = await stage.bastion.cli('recording', 'verify', made.session_id);
    expect(verified.status, verified.stderr).toBe(0);
    const cast = await stage.bastion.api(`sessions/${made.session_id}/recording`);
    expect(cast.text).toContain('漢');
  });

  test('opens with its token alone, once, and for no other page', async () => {
    using open = await alice.open('web1');
    const { made: used, client } = open;
    const made = await alice.make('web1');
    const other = await alice.make('web1');
    using foreign = new WebTerminalClient(made.websocket_url, {
      origin: 'https://elsewhere.example',
    });
    expect(await within('an answer', foreign.refused)).toBe(403);
    const refusal = async (message: object, url = made.websocket_url) => {
      using client = new WebTerminalClient(url);
      await client.opened;
      client.send(message);
      const code = await within('it closes', client.closed);
      return [code, client.messages.map(({ type }) => type)];
    };
    expect(await refusal({ type: 'auth', token: other.token })).toEqual([4401, ['error']]);
    expect(await refusal({ type: 'input', data: 'ls\r' })).toEqual([4400, ['error']]);
    expect(await refusal({ type: 'nonsense' })).toEqual([4400, ['error']]);
    const nowhere = made.websocket_url.replace(made.session_id, 'sess_999999');
    expect(await refusal({ type: 'auth', token: made.token }, nowhere)).toEqual([4401, ['error']]);
    const again = { type: 'auth', token: used.token };
    expect(await refusal(again, used.websocket_url)).toEqual([4401, ['error']]);
    client.socket.close(1000);
    await eventually('its session ends', async () => {
      const { end_reason } = await stage.bastion.session(used.session_id);
      return end_reason === 'client_closed';
    });
    const plain = await stage.bastion.api(`sessions/${made.session_id}/ws`);
    expect(plain).toMatchObject({ status: 426 });
    for (const { session_id } of [made, other]) {
      await stage.bastion.api(`sessions/${session_id}`, { method: 'DELETE' });
    }
  });

  test('says at once that a machine is not the caller’s, and names bad fields', async () => {
    const bob = await TerminalUser.of(stage.bastion, 'bob');
    expect(await alice.post('sessions', { machine_id: 'mch_99999' })).toMatchObject({
      status: 404,
    });
    expect(await bob.ask('web1')).toMatchObject({ status: 404 });
    expect(await alice.ask('exec1')).toMatchObject({ status: 403 });
    const body = { machine_id: await alice.machineId('web1') };
    const nobody = await stage.bastion.api('sessions', { method: 'POST', body });
    expect(nobody).toMatchObject({ status: 403 });
    const wrong = await alice.ask('web1', { terminal_size: { cols: 0, rows: 24 } });
    expect(wrong.body?.error).toMatchObject({ details: [{ field: 'terminal_size.cols' }] });
  });

  test('a machine that is not reached: the session fails, and the socket says why', async () => {
    const { sshd, bastion } = stage;
    await bastion.apply(`
machines:
  - { name: gone1, kind: ssh, host: ${sshd.host}, port: 9, login: nobody, auth: { bastion_key: true } }
grants:
  - { to: { user: alice }, on: { machine: gone1 }, allow: [shell] }
`);
    const id = await alice.machineId('gone1');
    const terminal = (await alice.post(`machines/${id}/connect`, {})).body?.data as MadeTerminal;
    await eventually('it is failed', async () => {
      return (await bastion.session(terminal.session_id)).status === 'failed';
    });
    using client = await WebTerminalClient.of(terminal);
    expect(await within('it closes', client.closed)).toBe(1000);
    expect(client.messages).toMatchObject([
      { type: 'error', code: 'machine_unreachable' },
      { type: 'disconnect', reason: 'machine_unreachable' },
    ]);
    expect(client.messages[0]?.message).toContain('cannot reach gone1');
    const tried = dataOf(await alice.post(`machines/${id}/test`, {}));
    expect(tried).toMatchObject({ connected: false, host_key: null });
    const well = dataOf(await alice.post(`machines/${await alice.machineId('web1')}/test`, {}));
    expect(well).toMatchObject({ connected: true, message: null });
    expect((well as { host_key: string }).host_key).toMatch(/^ssh-/);
    await bastion.audited('machine.tried');
  });

  test('ends by word of an admin, and with the token that it was begun with', async () => {
    using open = await alice.open('web1');
    const first = open.client;
    const other = await TerminalUser.of(stage.bastion, 'alice');
    using opened = await other.open('web1');
    const { made, client: second } = opened;
    await stage.bastion.api(`sessions/${open.made.session_id}`, { method: 'DELETE' });
    expect(await within('the first closes', first.closed)).toBe(1000);
    expect(first.messages.slice(-2)).toMatchObject([
      { type: 'error', code: 'terminated' },
      { type: 'disconnect', reason: 'terminated' },
    ]);
    await stage.bastion.api(`tokens/${other.tokenId}`, { method: 'DELETE' });
    expect(await within('the second closes', second.closed)).toBe(1000);
    expect(second.last).toMatchObject({ type: 'disconnect', reason: 'access_revoked' });
    expect(await stage.bastion.session(made.session_id)).toMatchObject({
      end_reason: 'access_revoked',
    });
  });

  test('who reads late misses nothing', async () => {
    using open = await alice.open('web1');
    const { client } = open;
    client.socket.pause();
    client.type("yes 'a long line of output' | head -c 12000000; echo ov''er\r");
    await stage.bastion.sessions('kind=web');
    client.socket.resume();
    await client.shows('over', 60_000);
    const lines = client.text.match(/a long line of output/g) ?? [];
    expect(lines.length).toBeGreaterThanOrEqual(Math.floor(12_000_000 / 22));
    client.type('exit\r');
    await within('it closes', client.closed);
    const ended = await stage.bastion.lastEnded();
    expect(ended.bytes_out).toBeGreaterThan(12_000_000);
  });
});
