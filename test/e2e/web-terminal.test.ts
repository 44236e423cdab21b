import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { type MadeTerminal, WebTerminalClient } from '../support/web-terminal.ts';

needs('ssh', 'sshd').describe("a browser's terminal", () => {
  let stage: Stage;
  let token: { id: string; secret: string };
  beforeAll(async () => {
    stage = await openStage();
    token = await tokenOf('alice');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function tokenOf(user: string): Promise<{ id: string; secret: string }> {
    const found = dataOf(await stage.bastion.api(`users?search=${user}`));
    const [{ id: user_id } = { id: '' }] = (found as { users: readonly { id: string }[] }).users;
    const body = { name: `terminals of ${user}`, scopes: ['sessions:write'], user_id };
    const made = await stage.bastion.api('tokens', { method: 'POST', body });
    const created = made.body?.data as { id: string; token: string } | undefined;
    if (created === undefined) throw new Error(made.text);
    return { id: created.id, secret: created.token };
  }

  async function machineId(name: string): Promise<string> {
    const found = dataOf(await stage.bastion.api(`machines?search=${name}`));
    return (found as { machines: readonly { id: string }[] }).machines[0]?.id ?? '';
  }

  const ask = (path: string, body: unknown, secret = token.secret) =>
    stage.bastion.api(path, { method: 'POST', body, token: secret });

  async function make(name: string, secret = token.secret): Promise<MadeTerminal> {
    const body = { machine_id: await machineId(name), terminal_size: { cols: 100, rows: 30 } };
    const answer = await ask('sessions', body, secret);
    expect(answer, answer.text).toMatchObject({ status: 201, body: { success: true } });
    return answer.body?.data as MadeTerminal;
  }

  async function prompt(made: MadeTerminal): Promise<WebTerminalClient> {
    const client = await WebTerminalClient.of(made);
    client.type("PS1='$ '; echo rea''dy\r");
    await client.shows('ready');
    return client;
  }

  test('is a session like any other: typed in, resized, recorded and sealed', async () => {
    const made = await make('web1');
    expect(made.websocket_url).toBe(
      `${stage.bastion.url.replace('http', 'ws')}/v1/sessions/${made.session_id}/ws`,
    );
    using client = await prompt(made);
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
    const made = await make('web1');
    const other = await make('web1');
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
    using client = await prompt(made);
    expect(await refusal({ type: 'auth', token: made.token })).toEqual([4401, ['error']]);
    client.socket.close(1000);
    await eventually('its session ends', async () => {
      const { end_reason } = await stage.bastion.session(made.session_id);
      return end_reason === 'client_closed';
    });
    const plain = await stage.bastion.api(`sessions/${made.session_id}/ws`);
    expect(plain).toMatchObject({ status: 426 });
    await stage.bastion.api(`sessions/${other.session_id}`, { method: 'DELETE' });
  });

  test('says at once that a machine is not the caller’s, and names bad fields', async () => {
    const bob = await tokenOf('bob');
    const [web1, exec1] = [await machineId('web1'), await machineId('exec1')];
    expect(await ask('sessions', { machine_id: 'mch_99999' })).toMatchObject({ status: 404 });
    expect(await ask('sessions', { machine_id: web1 }, bob.secret)).toMatchObject({ status: 404 });
    expect(await ask('sessions', { machine_id: exec1 })).toMatchObject({ status: 403 });
    expect(await ask('sessions', { machine_id: web1 }, stage.bastion.token)).toMatchObject({
      status: 403,
    });
    const size = { cols: 0, rows: 24 };
    const wrong = await ask('sessions', { machine_id: web1, terminal_size: size });
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
    const id = await machineId('gone1');
    const terminal = (await ask(`machines/${id}/connect`, {})).body?.data as MadeTerminal;
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
    const tried = dataOf(await ask(`machines/${id}/test`, {}));
    expect(tried).toMatchObject({ connected: false, host_key: null });
    const well = dataOf(await ask(`machines/${await machineId('web1')}/test`, {}));
    expect(well).toMatchObject({ connected: true, message: null });
    expect((well as { host_key: string }).host_key).toMatch(/^ssh-/);
    await bastion.audited('machine.tried');
  });

  test('ends by word of an admin, and with the token that it was begun with', async () => {
    using first = await prompt(await make('web1'));
    const own = await tokenOf('alice');
    const made = await make('web1', own.secret);
    using second = await prompt(made);
    const [, newest] = await stage.bastion.sessions('kind=web&limit=2');
    await stage.bastion.api(`sessions/${newest?.id}`, { method: 'DELETE' });
    expect(await within('the first closes', first.closed)).toBe(1000);
    expect(first.messages.slice(-2)).toMatchObject([
      { type: 'error', code: 'terminated' },
      { type: 'disconnect', reason: 'terminated' },
    ]);
    await stage.bastion.api(`tokens/${own.id}`, { method: 'DELETE' });
    expect(await within('the second closes', second.closed)).toBe(1000);
    expect(second.last).toMatchObject({ type: 'disconnect', reason: 'access_revoked' });
    expect(await stage.bastion.session(made.session_id)).toMatchObject({
      end_reason: 'access_revoked',
    });
  });

  test('who reads late misses nothing', async () => {
    const made = await make('web1');
    using client = await prompt(made);
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
