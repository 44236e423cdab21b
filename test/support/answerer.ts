import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { plainEnvironment } from './environment.ts';
import { the } from './requirements.ts';
import { run } from './run.ts';
import type { SshClient } from './ssh-client.ts';

const PROGRAM = resolve(import.meta.dirname, 'askpass-program.ts');

export interface Asked {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Everything that ssh was asked, in order, as SSH_ASKPASS was shown it. */
  readonly prompts: readonly string[];
}

export interface AnsweringOptions {
  /** As of PreferredAuthentications. */
  readonly methods?: string;
  /** More of `-o`. */
  readonly more?: readonly string[];
  readonly tries?: number;
}

/** With a key, and what is asked after it. */
const KEY = 'publickey,keyboard-interactive';

/**
 * Options and environment with which `ssh` gets these answers to its questions, in this order, from
 * SSH_ASKPASS. `code:N` is the code of N steps from now of the secret that the last enrolment of this
 * client showed, `again` the code given last.
 */
export function answering(
  client: SshClient,
  answers: readonly string[],
  { methods = KEY, more = [], tries = 1 }: AnsweringOptions = {},
): { readonly options: readonly string[]; readonly env: Record<string, string> } {
  const askpass = client.path('answer');
  writeFileSync(askpass, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$1"\n`);
  chmodSync(askpass, 0o700);
  writeFileSync(client.path('answers'), JSON.stringify(answers));
  writeFileSync(client.path('prompts'), '[]');
  const options = [
    'BatchMode=no',
    `PreferredAuthentications=${methods}`,
    `NumberOfPasswordPrompts=${tries}`,
    ...more,
  ];
  return {
    options: options.flatMap((option) => ['-o', option]),
    env: {
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: 'force',
      LC_ALL: 'C.UTF-8',
      TEST_ANSWERS: client.path('answers'),
      TEST_PROMPTS: client.path('prompts'),
      TEST_SECRET: client.path('secret'),
      TEST_LAST: client.path('last-code'),
    },
  };
}

/** `ssh USER@bastion`, to its end, with these answers; see `answering`. */
export async function sshAnswering(
  client: SshClient,
  user: string,
  answers: readonly string[],
  how: AnsweringOptions & { readonly command?: string } = {},
): Promise<Asked> {
  const { options, env } = answering(client, answers, how);
  const args = client.args(user, ['--', how.command ?? 'echo in'], options);
  const { status, stdout, stderr } = await run(the('ssh'), args, { env });
  const prompts = JSON.parse(readFileSync(client.path('prompts'), 'utf8')) as string[];
  return { status, stdout: stdout.toString(), stderr, prompts };
}

/** The same, still running; its owner ends it. */
export function spawnAnswering(
  client: SshClient,
  user: string,
  answers: readonly string[],
  command: string,
): ChildProcess {
  const { options, env } = answering(client, answers);
  return spawn(the('ssh'), client.args(user, ['--', command], options), {
    env: plainEnvironment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
