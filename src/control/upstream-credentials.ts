import { type AuthorizedRoute, permission } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import type { CertificateAuthority, CertificatePermit } from '../domain/certificate-authority.ts';
import type { UpstreamCredential } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { MachineStore } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';

/** Which capabilities of a grant need which permit on the machine. */
const NEEDED: readonly (readonly [CertificatePermit, readonly Capability[]])[] = [
  ['permit-pty', ['shell', 'exec']],
  ['permit-user-rc', ['shell', 'exec']],
  ['permit-port-forwarding', ['forward-local', 'forward-remote']],
  ['permit-agent-forwarding', ['agent']],
  ['permit-X11-forwarding', ['x11']],
];

/** The credential, once it is known whose session it is for. */
export type PreparedCredential = (userName: string, sessionId: number) => UpstreamCredential;

/** What a session's connection to its machine logs in with. */
export class UpstreamCredentials {
  readonly #machines: Pick<MachineStore, 'credential'>;
  readonly #bastionKey: string;
  readonly #certificates: CertificateAuthority;

  constructor(deps: {
    readonly stores: Pick<Stores, 'machines'>;
    readonly bastionKey: string;
    readonly certificates: CertificateAuthority;
  }) {
    this.#machines = deps.stores.machines;
    this.#bastionKey = deps.bastionKey;
    this.#certificates = deps.certificates;
  }

  /** Throws PosternError `access.unknown_machine` when it is gone, and `vault.*`. */
  async prepare(route: AuthorizedRoute): Promise<PreparedCredential> {
    const { machine, login } = route;
    const stored = await this.#machines.credential(machine.id);
    if (stored === null)
      throw new PosternError('access.unknown_machine', { machine: machine.name });
    switch (stored.type) {
      case 'password':
        return () => ({ type: 'password', password: stored.password.expose() });
      case 'key':
        return () => ({ type: 'publickey', privateKey: stored.privateKey.expose() });
      case 'bastion_key':
        return () => ({ type: 'publickey', privateKey: this.#bastionKey });
      case 'certificate':
        return (userName, sessionId) => ({
          type: 'certificate',
          ...this.#certificates.issue({
            keyId: `postern:${userName}:${formatId('sess', sessionId)}`,
            login,
            permits: permitsOf(route, new Date()),
          }),
        });
      case 'none':
        return () => ({ type: 'none' });
      default:
        return stored satisfies never;
    }
  }
}

/** No more than the grants that are in force give. */
function permitsOf(route: AuthorizedRoute, now: Date): readonly CertificatePermit[] {
  return NEEDED.filter(([, capabilities]) =>
    capabilities.some((one) => typeof permission(route, one, now) !== 'string'),
  ).map(([permit]) => permit);
}
