import { installAuthGuard } from './auth-guard.ts';
import { installChannelGuard } from './channel-guard.ts';
import { installCipherKeeper } from './cipher-keeper.ts';
import { installGeneralGuard } from './general-guard.ts';
import { type ConnectionLimits, register } from './guard.ts';
import { installHybridKex } from './hybrid-kex.ts';
import { installInboundGuard } from './inbound.ts';
import { library, type OwnerInternals } from './internals.ts';
import { isOwnBuild } from './native-crypto.ts';
import { installOpens } from './opens.ts';
import { installOutput } from './output.ts';
import { installPadding } from './padding.ts';
import { installRekeyGuard, watchKeys } from './rekey.ts';
import { installRequestGuard } from './request-guard.ts';
import { endWithSocket } from './transport.ts';
import { endReadingWith } from './unread.ts';

/** The one version of ssh2 whose inside this room knows. */
export const SSH2_VERSION = '1.17.0';

let installed = false;

/**
 * Patches ssh2 in this process, once; later calls do nothing. Every other entry of this room calls
 * it. Throws when the ssh2 that is installed is not the one that the guards were written for.
 */
export function installGuards(): void {
  if (installed) return;
  const { version } = library();
  if (version !== SSH2_VERSION) {
    throw new Error(`The guards know ssh2 ${SSH2_VERSION}, but ${version} is installed.`);
  }
  if (!isOwnBuild()) installCipherKeeper();
  installHybridKex();
  installInboundGuard();
  installAuthGuard();
  // Under the channel guard, which counts opens.
  installOpens();
  installChannelGuard();
  installRequestGuard();
  installRekeyGuard();
  installOutput();
  installPadding();
  installGeneralGuard();
  installed = true;
}

/** Puts one connection of either leg under all guards; call it before its first packet comes in. */
export function guardConnection(owner: OwnerInternals, limits: ConnectionLimits): void {
  register(owner, limits);
  endWithSocket(owner);
  watchKeys(owner);
  endReadingWith(owner);
}

/** Whether ssh2's compiled addon is in use; without it ciphers run at a third of their speed. */
export function nativeCryptoLoaded(): boolean {
  return library().crypto.bindingAvailable;
}
