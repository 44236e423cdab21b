import { TOTP } from 'otpauth';

const PERIOD_MS = 30_000;

/** What an authenticator app shows `steps` periods from now. */
export function codeOf(secret: string, steps = 0, now = Date.now()): string {
  return TOTP.generate({
    secret: new TOTP({ secret }).secret,
    timestamp: now + steps * PERIOD_MS,
  });
}
