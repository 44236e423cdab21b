import type { Capability } from '../domain/capability.ts';
import type { Need } from './approvals.ts';
import type { Wanted } from './jump.ts';
import type { GatewaySession } from './session.ts';

/** What forwards need of their connection. */
export interface ForwardHost {
  /** The session, begun if need be, once its route allows what is needed. */
  enter<T>(need: Need<T>): Promise<{ readonly session: GatewaySession; readonly permitted: T }>;
  /** Takes what is for a machine that Postern answers for; of everything else, `otherwise`. */
  jump(wanted: Wanted, otherwise: () => void): void;
  denied(capability: Capability, place: string): void;
}
