import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/program.ts';

/** What a command line answered. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with this environment and nothing else. */
export async function command(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(async (stream) => {
    stream.setEncoding('utf8');
    let text = '';
    for await (const part of stream) text += part;
    return text;
  });
  const status = await run(argv, { env, stdout, stderr, terminal: false, columns: 100 });
  stdout.end();
  stderr.end();
  const [out = '', err = ''] = await Promise.all(texts);
  return { status, stdout: out, stderr: err };
}
