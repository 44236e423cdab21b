import type { Client } from 'ssh2';
import type { DeskKind, Offer } from '../domain/upstream.ts';
import { onAgentOpen, onX11Open } from '../ssh/desk.ts';
import { offerOf } from './offer.ts';

type OnOffer = (offer: Offer) => void;

/** Who gets the connections that one machine opens to its user's agent and display. */
export class Lending {
  readonly #client: Client;
  readonly #takers = new Map<DeskKind, OnOffer>();

  constructor(client: Client) {
    this.#client = client;
  }

  lend(kind: DeskKind, onOffer: OnOffer): void {
    const known = this.#takers.has(kind);
    this.#takers.set(kind, onOffer);
    if (known) return;
    const taker = (offer: Offer): void => this.#takers.get(kind)?.(offer);
    if (kind === 'agent') {
      onAgentOpen(this.#client, (accept, refuse) =>
        taker(offerOf({ address: '', port: 0 }, accept, refuse)),
      );
    } else {
      onX11Open(this.#client, (accept, refuse, { from }) => taker(offerOf(from, accept, refuse)));
    }
  }
}
