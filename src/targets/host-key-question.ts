import type { ControlPlane, Hop } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import type { UpstreamHostKey } from '../ssh/client.ts';
import { fingerprint } from '../ssh/host-key.ts';

/** Asks the control plane about the machine's key and remembers why the answer was no. */
export class HostKeyQuestion {
  readonly #control: Pick<ControlPlane, 'checkHostKey'>;
  readonly #machine: Hop['machine'];
  readonly #sessionId: number;
  refusal: PosternError | null = null;

  constructor(
    control: Pick<ControlPlane, 'checkHostKey'>,
    machine: Hop['machine'],
    sessionId: number,
  ) {
    this.#control = control;
    this.#machine = machine;
    this.#sessionId = sessionId;
  }

  async ask(key: UpstreamHostKey): Promise<boolean> {
    const { id, name } = this.#machine;
    const line = `${key.algorithm} ${key.blob.toString('base64')}`;
    const answer = await this.#control.checkHostKey(this.#sessionId, id, {
      line,
      fingerprint: key.fingerprint,
    });
    if (answer.outcome === 'trusted') return true;
    const found = key.fingerprint;
    this.refusal =
      answer.outcome === 'changed'
        ? new PosternError('machine.host_key', {
            machine: name,
            expected: fingerprint(Buffer.from(answer.expected.split(' ')[1] ?? '', 'base64')),
            found,
          })
        : new PosternError('machine.host_key_unknown', { machine: name, found });
    return false;
  }
}
