import { Calls } from '../../src/ipc/calls.ts';
import { parentPeer } from '../../src/ipc/peer.ts';
import { remoteControlPlane, serveControlPlane } from '../../src/ipc/remote.ts';
import { silent } from '../store/options.ts';

/** Hands every call of its parent back to the parent's control plane: two crossings for each. */
const peer = parentPeer();
const calls = new Calls(peer, () => silent);
serveControlPlane(calls, remoteControlPlane(calls, silent));
peer.onLost(() => process.exit(0));
