import { createHmac } from 'node:crypto';
import type { Secret } from '../domain/secret.ts';

/** Milliseconds for one delivery, from the name's resolution to the answer's status. */
const DEADLINE_MS = 10_000;

export interface WebhookOptions {
  readonly url: Secret;
  /** What the receiver knows too. */
  readonly secret: Secret;
  readonly deadlineMs?: number;
}

/**
 * One receiver of signed JSON over HTTP. A delivery is a POST with `Postern-Delivery` (a name for it:
 * one that comes again has the same) and `Postern-Signature: t=SECONDS,v1=HEX`, where HEX is the
 * HMAC-SHA256 of `SECONDS.BODY` with the shared secret.
 */
export class Webhook {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Rejects unless the receiver has answered 2xx in time; redirections are not followed. */
  async deliver(delivery: string, body: string): Promise<void> {
    const { url, secret, deadlineMs = DEADLINE_MS } = this.#options;
    const response = await fetch(url.expose(), {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(deadlineMs),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'postern',
        'postern-delivery': delivery,
        'postern-signature': signatureOf(body, secret, new Date()),
      },
    }).catch((error: unknown) => {
      // Its message can hold the address, and that its secret.
      throw new Error(`no answer (${codeOf(error)})`);
    });
    // What it says beside its status is nobody's; a connection with an unread answer would stay.
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }
}

function signatureOf(body: string, secret: Secret, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1000);
  const signature = createHmac('sha256', secret.expose()).update(`${seconds}.${body}`);
  return `t=${seconds},v1=${signature.digest('hex')}`;
}

/** `ECONNREFUSED`, `TimeoutError` and the like. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'unknown';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
