/** An ed25519 host key, ready to sign. */
export interface HostKey {
  readonly algorithm: 'ssh-ed25519';
  /** `ssh-ed25519 AAAA...`, as in known_hosts, without a comment. */
  readonly publicLine: string;
  /** The public key as it goes over the wire (RFC 8709 section 4). */
  readonly blob: Buffer;
  /** `SHA256:...`, as ssh-keygen -l shows it. */
  readonly fingerprint: string;
}

export function generateHostKey(): { privatePem: string; publicLine: string } {
  throw new Error('not written yet');
}

export function loadHostKey(_openssh: string): HostKey {
  throw new Error('not written yet');
}

export function fingerprint(_blob: Uint8Array): string {
  throw new Error('not written yet');
}
