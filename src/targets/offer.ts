import type { Channel } from 'ssh2';
import type { Offer, Origin } from '../domain/upstream.ts';
import { linkOf } from '../ssh/link.ts';
import type { RefuseOpen } from '../ssh/opens.ts';

/** A channel that a machine wants to open, as something to accept or refuse. */
export function offerOf(
  from: Origin,
  accept: () => Channel | undefined,
  refuse: RefuseOpen,
): Offer {
  return {
    from,
    accept: () => {
      const channel = accept();
      return channel === undefined ? undefined : linkOf(channel);
    },
    refuse: () => refuse(),
  };
}
