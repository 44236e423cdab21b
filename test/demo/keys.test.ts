import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import ssh2, {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { expect, test } from 'vitest';
import type { DemoMachine } from '../../src/demo/machine.ts';
import { within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { newClient } from '../support/ssh-client.ts';
import { startMachine } from './lab.ts';

const login = userInfo().username;

/** Offers one key and signs with another. */
class Impostor extends ssh2.BaseAgent {
  readonly #offered: ParsedKey;
  readonly #own: ParsedKey;

  constructor(offered: ParsedKey, own: ParsedKey) {
    super();
    this.#offered = offered;
    this.#own = own;
  }

  override getIdentities(done: IdentityCallback): void {
    done(undefined, [this.#offered]);
  }

  override sign(
    _key: unknown,
    data: Buffer,
    _options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const signature: unknown = this.#own.sign(data);
    if (!Buffer.isBuffer(signature)) throw new Error('cannot sign');
    done?.(undefined, signature);
  }
}

function parsed(key: string): ParsedKey {
  const made = ssh2.utils.parseKey(key);
  if (made instanceof Error) throw made;
  return made;
}

async function answerTo(machine: DemoMachine, agent: Impostor): Promise<string> {
  const visitor = new ssh2.Client();
  const outcome = new Promise<string>((resolve) => {
    visitor.once('ready', () => resolve('let in'));
    visitor.once('error', (error) => resolve(error.message));
  });
  const { host, port } = machine;
  visitor.connect({ host, port, username: login, agent, authHandler: ['agent'] });
  try {
    return await within('an answer', outcome);
  } finally {
    visitor.end();
  }
}

needs('ssh-keygen').describe('the key of the demo machine', () => {
  test('the right key without its signature is a question, not a way in', async () => {
    using data = scratch();
    const machine = await startMachine(data.path);
    const right = parsed(machine.privateKey);
    using stranger = await newClient(() => machine);
    const wrong = parsed(readFileSync(stranger.identity, 'utf8'));
    expect(await answerTo(machine, new Impostor(right, wrong))).toContain(
      'authentication methods failed',
    );
    expect(await answerTo(machine, new Impostor(right, right))).toBe('let in');
    await machine.close();
  });
});

test('a second start has the same keys, which nobody else can read', async () => {
  using fresh = scratch();
  const first = await startMachine(fresh.path);
  await first.close();
  const second = await startMachine(fresh.path);
  await second.close();
  expect(second.hostKeyLine).toBe(first.hostKeyLine);
  expect(second.privateKey).toBe(first.privateKey);
  for (const name of ['machine_host_key', 'machine_client_key']) {
    expect(statSync(fresh.join('demo', name)).mode & 0o777).toBe(0o600);
  }
});
