import { LocalControlPlane } from '../../src/control/control-plane.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { CertificateAuthority } from '../../src/domain/certificate-authority.ts';
import type { ConnectionFacts, SignedIn } from '../../src/domain/control-plane.ts';
import type { Counters } from '../../src/domain/counters.ts';
import type { User } from '../../src/domain/user.ts';
import { openCounters } from '../../src/store/counters.ts';
import { listeningLog } from '../recorder/lab.ts';
import { key, user } from '../store/examples.ts';
import { testAuthority } from '../support/certificate-authority.ts';
import { testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ownGuesses } from '../support/guesses.ts';
import { testJumpKeys } from '../support/jump-keys.ts';
import { type Unreliable, unreliable } from './unreliable.ts';

export const PASSWORD = 'correct horse battery staple';

export const FACTS: ConnectionFacts = {
  connectionId: 'c-1',
  sourceAddress: '192.0.2.7',
  client: 'OpenSSH_9.2',
};

/** A control plane over a real store that can be made to fail; `ada` has a key and a password. */
export interface ControlStage extends AsyncDisposable {
  readonly plane: LocalControlPlane;
  readonly at: Unreliable;
  readonly counters: Counters;
  readonly certificates: CertificateAuthority;
  readonly log: ReturnType<typeof listeningLog>;
  readonly ada: User;
  readonly signedIn: SignedIn;
  readonly blob: string;
  /** Events of this type, oldest first, once there are so many. */
  events(type: AuditEvent['type'], count?: number): Promise<readonly AuditEvent[]>;
}

export async function openControlStage(): Promise<ControlStage> {
  const opened = await testStore('embedded');
  const at = unreliable(opened.store);
  const log = listeningLog();
  const counters = await openCounters({
    redisUrl: null,
    truth: opened.store.counts,
    shared: false,
    log,
  });
  const passwords = new ScryptPasswords();
  const certificates = testAuthority();
  const plane = new LocalControlPlane({
    guesses: ownGuesses(),
    stores: at.store,
    counters,
    passwords,
    node: 'node-a',
    bastionKey: 'the key of the bastion',
    certificates,
    jumpKeys: testJumpKeys(),
    log,
  });
  const passwordHash = await passwords.hash(PASSWORD);
  const ada = await at.store.users.create(
    user({ name: 'ada', email: 'ada@example.org', passwordHash }),
  );
  const { blob } = await at.store.users.addKey(ada.id, key('ada'));
  return {
    plane,
    certificates,
    at,
    counters,
    log,
    ada,
    blob,
    signedIn: { userId: ada.id, userName: 'ada', proof: null },
    events: (type, count = 1) =>
      eventually(`${count} of ${type}`, async () => {
        const { rows } = await at.store.audit.list({ type }, { limit: 100 });
        return rows.length >= count ? [...rows].reverse() : null;
      }),
    async [Symbol.asyncDispose]() {
      at.away = false;
      await plane.close(5000);
      await opened[Symbol.asyncDispose]();
    },
  };
}
