/** Authentication at a machine (RFC 4252): one way, never what ssh2 would try by itself. */
import ssh2 from 'ssh2';
import { type AgentKeys, agentMethods } from './agent-auth.ts';
import { type CertificatePair, certificateProblem } from './certificate-auth.ts';

export type UpstreamAuth =
  | { readonly type: 'password'; readonly password: string }
  | {
      readonly type: 'publickey';
      /** OpenSSH's format or PEM. */
      readonly privateKey: string;
      readonly passphrase?: string;
    }
  | ({ readonly type: 'certificate' } & CertificatePair)
  | ({ readonly type: 'agent' } & AgentKeys);

interface Prompt {
  readonly prompt: string;
  readonly echo?: boolean;
}

/** What is wrong with the credential itself, before anything is dialled. */
export function problemWith(auth: UpstreamAuth): string | undefined {
  if (auth.type === 'password') return undefined;
  if (auth.type === 'agent') return auth.identities.length > 0 ? undefined : 'no key';
  if (auth.type === 'certificate') return certificateProblem(auth);
  const key = ssh2.utils.parseKey(auth.privateKey, auth.passphrase);
  if (key instanceof Error) return 'the private key cannot be read';
  const [only] = [key].flat();
  return only?.isPrivateKey() ? undefined : 'not a private key';
}

/** Answers one hidden prompt with the password, and anything else with nothing. */
function answerOnce(password: string) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: readonly Prompt[],
    finish: (answers: string[]) => void,
  ) => {
    const isQuestion = prompts.length === 1 && prompts[0]?.echo !== true && !answered;
    answered ||= prompts.length > 0;
    finish(isQuestion ? [password] : prompts.map(() => ''));
  };
}

/** The methods to try, one by one; `false` ends it. To be called with what the machine offers. */
export function authMethods(
  auth: UpstreamAuth,
  username: string,
): (offered: readonly string[] | null) => unknown {
  if (auth.type === 'agent') return agentMethods(auth, username);
  let step = 0;
  return (offered) => {
    step += 1;
    if (auth.type === 'certificate') {
      return step === 1 && { type: 'publickey', username, key: auth.privateKey };
    }
    if (auth.type === 'publickey') {
      const { privateKey: key, passphrase } = auth;
      return step === 1 && { type: 'publickey', username, key, passphrase };
    }
    const { password } = auth;
    if (step === 1) return { type: 'password', username, password };
    const promptsOnly = offered?.includes('keyboard-interactive') && !offered.includes('password');
    if (step > 2 || !promptsOnly) return false;
    return { type: 'keyboard-interactive', username, prompt: answerOnce(password) };
  };
}
