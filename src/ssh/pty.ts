import type { Client, ClientChannel, PseudoTtyInfo, ServerChannel, Session } from 'ssh2';

/** What a `pty` listener of a server session really gets: the modes, parsed and as they came. */
export interface PtyInfo extends PseudoTtyInfo {
  /** Encoded terminal modes (RFC 4254 section 8), verbatim. */
  readonly modesRaw: Buffer;
}

/** A terminal to ask a machine for. Sizes are in characters and pixels. */
export interface PtyRequest {
  readonly term: string;
  readonly cols: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
  readonly modesRaw: Buffer;
}

export type Program =
  | { readonly type: 'shell' }
  | { readonly type: 'exec'; readonly command: string | Buffer }
  | { readonly type: 'subsystem'; readonly name: string };

export interface SessionRequest {
  readonly pty?: PtyRequest;
  readonly env?: readonly (readonly [name: string, value: string])[];
  readonly program: Program;
  /** Until the program runs, in milliseconds; 15 000 if not given. */
  readonly timeoutMs?: number;
}

export function openSession(_client: Client, _request: SessionRequest): Promise<ClientChannel> {
  throw new Error('not written yet');
}

export function onPty(
  _session: Session,
  _listener: (accept: () => void, reject: () => void, info: PtyInfo) => void,
): void {
  throw new Error('not written yet');
}

export function onBreak(
  _session: Session,
  _listener: (accept: () => void, reject: () => void, info: { lengthMs: number }) => void,
): void {
  throw new Error('not written yet');
}

export function execBytes(_channel: ServerChannel): Buffer | undefined {
  throw new Error('not written yet');
}
