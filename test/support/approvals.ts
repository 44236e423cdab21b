import { type ApiAnswer, dataOf } from './api-call.ts';
import { type Bastion, MAIN } from './bastion.ts';
import { eventually } from './eventually.ts';
import { type Finished, run } from './run.ts';

/** A request as `/v1/approvals` shows it, as far as tests look. */
export interface ApprovalView {
  readonly id: string;
  readonly status: string;
  readonly user: { readonly name: string };
  readonly machine: { readonly name: string };
  readonly login: string;
  readonly kind: string;
  readonly by: string;
  readonly decided_by: string | null;
  readonly reason: string;
  readonly may_decide: boolean;
}

/** One user of a bastion's API, with a token of their own. */
export class ApiUser {
  readonly #bastion: Bastion;
  readonly #token: string;

  private constructor(bastion: Bastion, token: string) {
    this.#bastion = bastion;
    this.#token = token;
  }

  static async of(bastion: Bastion, name: string): Promise<ApiUser> {
    const found = dataOf(await bastion.api(`users?search=${name}`)) as {
      readonly users: readonly { readonly id: string; readonly name: string }[];
    };
    const userId = found.users.find((one) => one.name === name)?.id;
    const scopes = ['sessions:read', 'sessions:write'];
    const body = { name: `token of ${name}`, scopes, user_id: userId };
    const answer = await bastion.api('tokens', { method: 'POST', body });
    if (answer.status !== 201 || answer.body === null) throw new Error(answer.text);
    const { token } = answer.body.data as { readonly token: string };
    return new ApiUser(bastion, token);
  }

  get(path: string): Promise<ApiAnswer> {
    return this.#bastion.api(path, { token: this.#token });
  }

  decide(id: string, verdict: 'approve' | 'deny', body?: unknown): Promise<ApiAnswer> {
    const path = `approvals/${id}/${verdict}`;
    return this.#bastion.api(path, { method: 'POST', token: this.#token, body });
  }

  async approvals(query = ''): Promise<readonly ApprovalView[]> {
    const data = dataOf(await this.get(`approvals?${query}`));
    return (data as { readonly approvals: readonly ApprovalView[] }).approvals;
  }

  /** The one request that is open, once it is. */
  async open(): Promise<ApprovalView> {
    return await eventually('a request', async () => (await this.approvals())[0]);
  }

  /** `postern ARGS`. */
  cli(...args: readonly string[]): Promise<Finished> {
    const env = { POSTERN_URL: this.#bastion.url, POSTERN_TOKEN: this.#token };
    return run(process.execPath, [MAIN, ...args], { env });
  }
}
