import { library } from './internals.ts';

/** The one version of ssh2 whose inside this room knows. */
export const SSH2_VERSION = '1.17.0';

export function installGuards(): void {
  throw new Error('not written yet');
}

/** Whether ssh2's compiled addon is in use; without it ciphers run at a third of their speed. */
export function nativeCryptoLoaded(): boolean {
  return library().crypto.bindingAvailable;
}
