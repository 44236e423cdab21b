/** What a certificate lets its holder do on the machine (OpenSSH's PROTOCOL.certkeys). */
export const CERTIFICATE_PERMITS = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
] as const;
export type CertificatePermit = (typeof CERTIFICATE_PERMITS)[number];

/** Whom a certificate is for. */
export interface CertificateRequest {
  /** What the machine's log shows: at most 255 printable characters. */
  readonly keyId: string;
  /** The account on the machine. */
  readonly login: string;
  readonly permits: readonly CertificatePermit[];
}

export interface IssuedCertificate {
  /** Of a key pair that was made for this certificate alone; OpenSSH's format. */
  readonly privateKey: string;
  /** `ssh-ed25519-cert-v01@openssh.com BASE64`. */
  readonly certificate: string;
}

/** Postern's own authority for user certificates. Implemented in ssh/certificate-signing.ts. */
export interface CertificateAuthority {
  /** `ssh-ed25519 BASE64`: a line of sshd's TrustedUserCAKeys. */
  readonly publicLine: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  issue(request: CertificateRequest): IssuedCertificate;
}

/** Which host a certificate is for. */
export interface HostCertificateRequest {
  /** Shown by `ssh -v`: at most 255 printable characters. */
  readonly keyId: string;
  /** The host's key: `ssh-ed25519 BASE64`. */
  readonly publicLine: string;
  /** What clients may have typed to reach it, without a port. */
  readonly names: readonly string[];
}

/**
 * Postern's own authority for the host keys that it presents for machines. Implemented in
 * ssh/certificate-signing.ts.
 */
export interface HostCertificateAuthority {
  /** `ssh-ed25519 BASE64`: what stands behind `@cert-authority` and the hosts in known_hosts. */
  readonly publicLine: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  /** `ssh-ed25519-cert-v01@openssh.com BASE64`. */
  issue(request: HostCertificateRequest): string;
}
