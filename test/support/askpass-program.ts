import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { codeOf } from './codes.ts';

// biome-ignore lint/style/noProcessEnv: it runs by itself, and what to answer comes from its caller.
const given = process.env;

/** What SSH_ASKPASS runs for test/support/answerer.ts. */
const { TEST_ANSWERS = '', TEST_PROMPTS = '', TEST_SECRET = '', TEST_LAST = '' } = given;

const prompt = process.argv[2] ?? '';
const prompts = JSON.parse(readFileSync(TEST_PROMPTS, 'utf8')) as string[];
writeFileSync(TEST_PROMPTS, JSON.stringify([...prompts, prompt]));

const shown = /type the secret ([A-Z2-7]+)/.exec(prompt)?.[1];
if (shown !== undefined) writeFileSync(TEST_SECRET, shown);

function codeFor(steps: number): string {
  const code = codeOf(readFileSync(TEST_SECRET, 'utf8'), steps);
  writeFileSync(TEST_LAST, code);
  return code;
}

const [answer = '', ...rest] = JSON.parse(readFileSync(TEST_ANSWERS, 'utf8')) as string[];
writeFileSync(TEST_ANSWERS, JSON.stringify(rest));
const steps = /^code:(-?\d+)$/.exec(answer)?.[1];
if (answer === 'again' && existsSync(TEST_LAST)) {
  process.stdout.write(`${readFileSync(TEST_LAST, 'utf8')}\n`);
} else {
  process.stdout.write(`${steps === undefined ? answer : codeFor(Number(steps))}\n`);
}
