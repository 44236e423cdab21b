import type { Channel, Client } from 'ssh2';
import { PosternError } from '../domain/errors.ts';
import { type Place, placeText } from '../domain/forward.ts';
import type { Offer, Origin, UpstreamListener } from '../domain/upstream.ts';
import { onForwardedTcp, onForwardedUnix } from '../ssh/forwarded.ts';
import type { RefuseOpen } from '../ssh/opens.ts';
import { offerOf } from './offer.ts';

/** How long a machine may take to answer, in milliseconds. */
const ANSWER_MS = 15_000;

interface Listening {
  readonly at: Place;
  readonly onOffer: (offer: Offer) => void;
}

type Accept = () => Channel | undefined;

/** What one machine listens to for us (RFC 4254 section 7.1). */
export class Listeners {
  readonly #client: Client;
  readonly #machine: string;
  readonly #gone: () => boolean;
  readonly #all = new Set<Listening>();

  constructor(client: Client, machine: string, gone: () => boolean) {
    this.#client = client;
    this.#machine = machine;
    this.#gone = gone;
    onForwardedTcp(client, (accept, refuse, { host, port, from }) => {
      const near = [...this.#all].filter(({ at }) => at.type === 'tcp' && at.port === port);
      const exact = near.find(({ at }) => at.type === 'tcp' && at.host === host);
      // A machine may call the address otherwise than it was asked.
      offerTo(exact ?? near[0], from, accept, refuse);
    });
    onForwardedUnix(client, (accept, refuse, { path }) => {
      const exact = [...this.#all].find(({ at }) => at.type === 'unix' && at.path === path);
      offerTo(exact, { address: '', port: 0 }, accept, refuse);
    });
  }

  async listen(at: Place, onOffer: (offer: Offer) => void): Promise<UpstreamListener> {
    const { promise, resolve, reject } = Promise.withResolvers<Listening>();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error('no answer in time'));
    }, ANSWER_MS);
    // A connection may come in the turn of the answer.
    const answered = (error: Error | null, port: number): void => {
      clearTimeout(timer);
      if (error !== null) {
        reject(error);
        return;
      }
      const listening = { at: at.type === 'tcp' ? { ...at, port } : at, onOffer };
      if (late) this.#unlisten(listening, () => undefined);
      else this.#all.add(listening);
      resolve(listening);
    };
    try {
      this.#ask(at, answered);
      const listening = await promise;
      const port = listening.at.type === 'tcp' ? listening.at.port : 0;
      return { port, close: () => this.#close(listening) };
    } catch (error) {
      clearTimeout(timer);
      const options = { cause: error };
      const machine = this.#machine;
      if (this.#gone()) throw new PosternError('machine.lost', { machine }, options);
      throw new PosternError('forward.prohibited', { machine, place: placeText(at) }, options);
    }
  }

  #ask(at: Place, answered: (error: Error | null, port: number) => void): void {
    if (at.type === 'tcp') {
      this.#client.forwardIn(at.host, at.port, (error, port) => answered(error ?? null, port));
    } else
      this.#client.openssh_forwardInStreamLocal(at.path, (error) => answered(error ?? null, 0));
  }

  async #close(listening: Listening): Promise<void> {
    if (!this.#all.delete(listening)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS);
      this.#unlisten(listening, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #unlisten({ at }: Listening, done: () => void): void {
    try {
      if (at.type === 'tcp') this.#client.unforwardIn(at.host, at.port, done);
      else this.#client.openssh_unforwardInStreamLocal(at.path, done);
    } catch {
      // The connection is gone, and the listener with it.
      done();
    }
  }
}

function offerTo(
  listening: Listening | undefined,
  from: Origin,
  accept: Accept,
  refuse: RefuseOpen,
): void {
  if (listening === undefined) refuse();
  else listening.onOffer(offerOf(from, accept, refuse));
}
