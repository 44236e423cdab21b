import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { type MadeTerminal, TerminalUser } from '../support/web-terminal.ts';

/**
 * The snippet of the Sessions API's page, as it stands there but for the host, the id and the token. Its
 * three parts are run at their times, as it sends where a socket is not open yet: the first, and, when
 * the terminal has written something, the input and the size.
 */
const SNIPPET = readFileSync(join(import.meta.dirname, '../fixtures/vsay-snippet.js.txt'), 'utf8');

function partsFor(made: MadeTerminal): readonly string[] {
  const real = SNIPPET.replace(
    'wss://api.vsayterminal.com/v1/sessions/sess_123456/ws',
    made.websocket_url,
  ).replace('session_token_for_ws_auth', made.token);
  // Top-level names are kept from one part to the next.
  return real.replace('const ws', 'var ws').split(/^(?=\/\/ (?:Send input|Resize terminal))/m);
}

needs('ssh', 'sshd', 'chromium').describe('the snippet of the Sessions API', () => {
  let stage: Stage;
  let alice: TerminalUser;
  beforeAll(async () => {
    stage = await openStage();
    alice = await TerminalUser.of(stage.bastion, 'alice');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** Runs the parts with `run`, and looks at what `written` has so far. */
  async function works(
    made: MadeTerminal,
    run: (part: string) => Promise<unknown>,
    written: () => Promise<string>,
  ): Promise<void> {
    const [open = '', input = '', resize = ''] = partsFor(made);
    await run(open);
    await eventually('the terminal writes', async () => (await written()) !== '');
    await run(input);
    await eventually('the list of files', async () => /total \d+\s/.test(await written()));
    await run(resize);
    await run(input.replace('ls -la', 'stty size'));
    await eventually('the new size', async () => (await written()).includes('40 120'));
    const session = await stage.bastion.session(made.session_id);
    expect(session).toMatchObject({ kind: 'web', status: 'active' });
    await run(input.replace('ls -la', 'exit'));
    await eventually('it ends', async () => {
      return (await stage.bastion.session(made.session_id)).end_reason === 'client_closed';
    });
  }

  test('runs in Node', async () => {
    const made = await alice.make('web1', { terminal_size: { cols: 80, rows: 24 } });
    const text: string[] = [];
    const terminal = { write: (data: string) => text.push(data) };
    const context = { terminal, WebSocket };
    await works(
      made,
      async (part) => runInNewContext(part, context),
      async () => text.join(''),
    );
  });

  test('runs in Chromium', async () => {
    const made = await alice.make('web1', { terminal_size: { cols: 80, rows: 24 } });
    await using opened = await openPage();
    const { page } = opened;
    await page.goto(`${stage.bastion.url}/terminal`);
    await page.evaluate('var terminal = { text: "", write(data) { this.text += data; } };');
    await works(
      made,
      (part) => page.evaluate(`${part}\n;undefined`),
      () => page.evaluate<string>('terminal.text'),
    );
  });
});
