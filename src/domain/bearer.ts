/** Bearer secrets: API tokens, console sessions and one-time sign-in links. All are made here. */

/** The cookie that a browser keeps its bearer secret in, once it has signed in to the console. */
export const CONSOLE_COOKIE = 'postern_session';

/** Bytes of randomness in a bearer secret. */
const BEARER_BYTES = 32;

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** A new secret: `pst_` and 256 random bits in base64url. Shown once; only its hash is kept. */
export function newBearer(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BEARER_BYTES));
  return `pst_${base64url(bytes)}`;
}

/** SHA-256 of a secret in lower-case hex: what the store keeps and looks up. */
export async function hashBearer(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
