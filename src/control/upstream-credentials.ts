import { type AuthorizedRoute, permission } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import type { CertificateAuthority, CertificatePermit } from '../domain/certificate-authority.ts';
import type { Hop, SessionTicket, UpstreamCredential } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { requireJumps } from '../domain/jump.ts';
import type { Machine, MachineStore } from '../domain/machine.ts';
import type { Stores } from '../domain/store.ts';

/** Which capabilities of a grant need which permit on the machine. */
const NEEDED: readonly (readonly [CertificatePermit, readonly Capability[]])[] = [
  ['permit-pty', ['shell', 'exec']],
  ['permit-user-rc', ['shell', 'exec']],
  ['permit-port-forwarding', ['forward-local', 'forward-remote']],
  ['permit-agent-forwarding', ['agent']],
  ['permit-X11-forwarding', ['x11']],
];

/** On the way to another machine nothing else is asked for. */
const ON_THE_WAY: readonly CertificatePermit[] = ['permit-port-forwarding'];

/** Whose session it is. */
interface Holder {
  readonly userName: string;
  readonly sessionId: number;
}

type Prepared = (holder: Holder) => UpstreamCredential;

/** The ticket, once it is known whose session it is for. */
export type PreparedTicket = (holder: Holder) => SessionTicket;

/** What a session's connection to its machine logs in with. */
export class UpstreamCredentials {
  readonly #machines: Pick<MachineStore, 'credential' | 'getByName'>;
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

  /**
   * The access decision was about the route's machine alone: those on the way to it are the
   * administrator's choice. Throws PosternError `access.unknown_machine` when a machine is gone,
   * `machine.jump`, and `vault.*`.
   */
  async prepare(route: AuthorizedRoute): Promise<PreparedTicket> {
    const jumps = await requireJumps(route.machine, (name) => this.#machines.getByName(name));
    const credential = await this.#credential(route.machine, route.login, () =>
      permitsOf(route, new Date()),
    );
    const hops: ((holder: Holder) => Hop)[] = [];
    for (const machine of jumps) {
      const { id, name, host, port, hostKey, algorithms, login } = machine;
      const own = await this.#credential(machine, login, () => ON_THE_WAY);
      hops.push((holder) => ({
        machine: { id, name, host, port, hostKey, algorithms },
        login,
        credential: own(holder),
      }));
    }
    return (holder) => ({
      sessionId: holder.sessionId,
      credential: credential(holder),
      hops: hops.map((hop) => hop(holder)),
    });
  }

  async #credential(
    machine: Pick<Machine, 'id' | 'name'>,
    login: string,
    permits: () => readonly CertificatePermit[],
  ): Promise<Prepared> {
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
        return ({ userName, sessionId }) => {
          const keyId = `postern:${userName}:${formatId('sess', sessionId)}`;
          const issued = this.#certificates.issue({ keyId, login, permits: permits() });
          return { type: 'certificate', ...issued };
        };
      case 'agent':
      case 'none':
        return () => ({ type: stored.type });
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
