import type { KeyboardAuthContext } from 'ssh2';
import type { ConnectionFacts, ControlPlane, SignedIn } from '../domain/control-plane.ts';
import type { Enrolment } from '../domain/factor.ts';
import { terminalQr } from './terminal-qr.ts';

const CODE = 'Verification code: ';
const PASSWORD = 'Password: ';

/**
 * Everything stands in prompts: OpenSSH shows a title or an instruction only at LogLevel INFO, with
 * everything but ASCII escaped, and cuts it at 1 KB.
 */
function enrolmentPrompt({ uri, secret }: Enrolment): string {
  return [
    'a second factor is needed, and you have none yet.',
    'Scan this with an authenticator app:',
    '',
    terminalQr(uri),
    '',
    `or open ${uri}`,
    `or type the secret ${secret}`,
    '',
    CODE,
  ].join('\n');
}

function recoveryPrompt(codes: readonly string[]): string {
  return [
    'done. Without the app, each of these recovery codes signs you in once.',
    'They are shown only now:',
    '',
    ...codes.map((code) => `  ${code}`),
    '',
    'Keep them, then press Enter: ',
  ].join('\n');
}

/** Asks one question; null when the client has gone on to something else instead of answering. */
function ask(context: KeyboardAuthContext, prompt: string, echo = false): Promise<string | null> {
  return new Promise((resolve) => {
    // The types leave out the Error that comes when the client begins another request.
    context.prompt([{ prompt, echo }], '', '', (answers: readonly string[] | Error) => {
      resolve(answers instanceof Error ? null : (answers[0] ?? ''));
    });
  });
}

/** A password over keyboard-interactive, for clients without the method `password`. */
export function askPassword(context: KeyboardAuthContext): Promise<string | null> {
  return ask(context, PASSWORD);
}

/** A user on this connection whose first factor was right, and what is still asked of them. */
export interface Pending {
  readonly user: SignedIn;
  readonly need: 'code' | 'enrol';
  /** Of this connection, so that a mistyped code does not make the scanned one void. */
  enrolment: Enrolment | null;
}

/** What came of it; `gone`: the client did not answer. */
export type Second =
  | { readonly outcome: 'right'; readonly user: SignedIn }
  | { readonly outcome: 'wrong'; readonly reason: 'code' | 'penalty' }
  | { readonly outcome: 'gone' };

/** Asks for the second factor, and leads a user who has none to one. */
export async function askSecond(
  context: KeyboardAuthContext,
  pending: Pending,
  control: Pick<ControlPlane, 'beginEnrolment' | 'checkCode'>,
  facts: ConnectionFacts,
): Promise<Second> {
  if (pending.need === 'enrol') {
    pending.enrolment ??= await control.beginEnrolment(pending.user, facts);
  }
  const { enrolment } = pending;
  const code = await ask(context, enrolment === null ? CODE : enrolmentPrompt(enrolment));
  if (code === null) return { outcome: 'gone' };
  const answer = await control.checkCode(pending.user, code, facts);
  if (answer.outcome === 'wrong') return answer;
  if (answer.recoveryCodes.length > 0)
    await ask(context, recoveryPrompt(answer.recoveryCodes), true);
  return { outcome: 'right', user: answer.user };
}
