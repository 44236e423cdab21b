import type { Capability } from '../domain/capability.ts';
import type {
  CertificateAuthority,
  CertificateFacts,
  CertificateProof,
  CertificateTerms,
} from '../domain/certificate.ts';
import type { Credential } from '../domain/control-plane.ts';
import type { Standing } from '../domain/standing.ts';
import type { Stores } from '../domain/store.ts';
import { inNetwork, isNetwork } from './network.ts';

type Presented = Extract<Credential, { type: 'certificate' }>;

/** What an extension gives; without it the certificate withholds it. */
const GIVEN_BY: Readonly<Record<string, readonly Capability[]>> = {
  'permit-port-forwarding': ['forward-local', 'forward-remote'],
  'permit-agent-forwarding': ['agent'],
  'permit-X11-forwarding': ['x11'],
};

const KNOWN_OPTIONS: readonly string[] = ['force-command', 'source-address', 'verify-required'];

/** More would be a burden, and no certificate has them. */
const MOST_NETWORKS = 256;

export type CertificateVerdict =
  | { readonly good: true; readonly terms: CertificateTerms; readonly authority: string }
  /** Why, for the log; null: not even its authority is known. */
  | { readonly good: false; readonly because: string | null };

function bad(because: string | null): CertificateVerdict {
  return { good: false, because };
}

/**
 * Whether a certificate lets `userName` in: its authority is trusted, nothing of it is revoked, it
 * is a user's, valid by this machine's clock without any allowance, names the user, and everything
 * that it calls critical is known and holds. The same is asked of the database whoever asks.
 */
export class Certificates {
  readonly #stores: Pick<Stores, 'authorities' | 'revocations'>;
  readonly #now: () => Date;

  constructor(
    stores: Pick<Stores, 'authorities' | 'revocations'>,
    now: () => Date = () => new Date(),
  ) {
    this.#stores = stores;
    this.#now = now;
  }

  async judge(
    userName: string,
    { certificate, proven, userVerified }: Presented,
    sourceAddress: string,
  ): Promise<CertificateVerdict> {
    const authority = await this.#stores.authorities.getByBlob(certificate.authority.blob);
    const { serial, keyId, keyFingerprint } = certificate;
    const revoked = await this.#stores.revocations.covers({
      fingerprints: [keyFingerprint, certificate.authority.fingerprint],
      certificate: { serial, keyId, authority: certificate.authority.fingerprint },
    });
    if (authority === null) return bad(null);
    if (revoked) return bad('it is revoked');
    const problem =
      formProblem(certificate) ??
      timeProblem(certificate, this.#now().getTime() / 1000) ??
      sourceProblem(certificate, sourceAddress);
    if (problem !== null) return bad(problem);
    if (!standsFor(authority, certificate.principals, userName)) {
      return bad('none of its principals stands for this user');
    }
    // Before the signature nobody can know; OpenSSH's server, too, says that the key would do.
    if (proven && 'verify-required' in certificate.criticalOptions && !userVerified) {
      return bad('it demands that the token verifies its user');
    }
    return { good: true, terms: termsOf(certificate), authority: authority.name };
  }
}

/** Whether a certificate that was accepted before would be now, but for the time. */
export function stillCertified(
  certificate: CertificateProof,
  userName: string,
  { authorities, revoked }: Pick<Standing, 'authorities' | 'revoked'>,
): boolean {
  const authority = authorities.find(({ blob }) => blob === certificate.authority.blob);
  if (authority === undefined || revoked.includes(certificate)) return false;
  return standsFor(authority, certificate.principals, userName);
}

function formProblem(certificate: CertificateFacts): string | null {
  if (certificate.type !== 'user') return 'it is for a host';
  if (certificate.principals.length === 0) return 'it names no principal';
  const options = Object.keys(certificate.criticalOptions);
  const unknown = options.some((name) => !KNOWN_OPTIONS.includes(name));
  if (unknown) return 'it has a critical option that is not known';
  // What a machine makes of a command without a name is not for a certificate to try.
  return certificate.criticalOptions['force-command'] === '' ? 'its force-command is empty' : null;
}

function timeProblem({ validAfter, validBefore }: CertificateFacts, now: number): string | null {
  if (now < validAfter) return 'it is not valid yet';
  return validBefore !== null && now >= validBefore ? 'it has expired' : null;
}

function sourceProblem({ criticalOptions }: CertificateFacts, address: string): string | null {
  const text = criticalOptions['source-address'];
  if (text === undefined) return null;
  const networks = (text ?? '').split(',');
  if (networks.length > MOST_NETWORKS || !networks.every(isNetwork)) {
    return 'its source-address is no list of networks';
  }
  const near = networks.some((network) => inNetwork(address, network));
  return near ? null : 'it is not valid from this address';
}

/** Whether a principal is this user's: the name itself where that is how it is, or by the map. */
function standsFor(
  authority: CertificateAuthority,
  principals: readonly string[],
  userName: string,
): boolean {
  return principals.some((principal) => {
    if (authority.matchUserName && principal === userName) return true;
    const mapped = Object.hasOwn(authority.principals, principal)
      ? authority.principals[principal]
      : undefined;
    return mapped?.includes(userName) === true;
  });
}

/** Whether some certificate of the authority could let this user in. */
export function mayCertify(authority: CertificateAuthority, userName: string): boolean {
  return standsFor(authority, [userName, ...Object.keys(authority.principals)], userName);
}

function termsOf(certificate: CertificateFacts): CertificateTerms {
  const { keyId, serial, criticalOptions, extensions } = certificate;
  const withheld = Object.entries(GIVEN_BY)
    .filter(([extension]) => !extensions.includes(extension))
    .flatMap(([, capabilities]) => capabilities);
  return {
    keyId,
    serial,
    forceCommand: criticalOptions['force-command'] ?? null,
    pty: extensions.includes('permit-pty'),
    withheld,
  };
}
