import type { Channel, Client } from 'ssh2';
import { PosternError } from '../domain/errors.ts';
import { type Place, placeText } from '../domain/forward.ts';
import { printable, reasonOf } from '../domain/log.ts';
import type { Link, Origin } from '../domain/upstream.ts';
import { linkOf } from '../ssh/link.ts';
import { OpenFailure } from '../ssh/messages.ts';
import { OpenRefused, openDirectTcp, openDirectUnix } from '../ssh/opens.ts';

/** A machine tries a silent address for as long as its kernel does: some two minutes. */
const DIAL_MS = 150_000;

function open(client: Client, to: Place, from: Origin): Promise<Channel> {
  if (to.type === 'unix') return openDirectUnix(client, to.path, DIAL_MS);
  return openDirectTcp(client, to, from, DIAL_MS);
}

/** Has the machine connect to `to`. Rejects as domain/upstream.ts says; `gone`: it is lost. */
export async function dialThrough(
  client: Client,
  machine: string,
  to: Place,
  from: Origin,
  gone: () => boolean,
): Promise<Link> {
  try {
    return linkOf(await open(client, to, from));
  } catch (error) {
    // When the whole connection broke, that is told a turn later.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const options = { cause: error };
    if (gone()) throw new PosternError('machine.lost', { machine }, options);
    const place = placeText(to);
    if (error instanceof OpenRefused && error.reason === OpenFailure.AdministrativelyProhibited) {
      throw new PosternError('forward.prohibited', { machine, place }, options);
    }
    const reason = printable(reasonOf(error), 200) || 'no reason given';
    throw new PosternError('forward.failed', { machine, place, reason }, options);
  }
}
