import { JumpKeys, newJumpSecret } from '../../src/control/jump-keys.ts';
import { KeyHostAuthority } from '../../src/ssh/certificate-signing.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';

/** The keys with which machines are answered for, from a secret of their own. */
export function testJumpKeys(secret: string = newJumpSecret()): JumpKeys {
  return new JumpKeys(secret, new KeyHostAuthority(generateHostKey().privatePem));
}
