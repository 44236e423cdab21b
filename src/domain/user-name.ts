import { isLogin, isMachineName, isUserName } from './names.ts';

/** What the SSH user name asks for (spec/interface.md, "Reaching a machine with plain ssh"). */
export interface Destination {
  readonly user: string;
  readonly machine: string | null;
  /** Null: the machine's default login. */
  readonly login: string | null;
}

/** The longest SSH user name that is read at all, in UTF-16 units. */
export const MAX_USER_NAME = 200;

/**
 * Reads `user`, `user+[login@]machine` or `user:[login@]machine`; the first `+` or `:` divides.
 * Null when it has none of these forms; the caller answers as to a wrong password, so that
 * nobody learns which part was wrong before they have signed in.
 */
export function parseUserName(text: string): Destination | null {
  if (text.length > MAX_USER_NAME) return null;
  const cut = text.search(/[+:]/);
  if (cut === -1) return isUserName(text) ? { user: text, machine: null, login: null } : null;
  const user = text.slice(0, cut);
  const rest = text.slice(cut + 1);
  const at = rest.lastIndexOf('@');
  const login = at === -1 ? null : rest.slice(0, at);
  const machine = rest.slice(at + 1);
  if (!isUserName(user) || !isMachineName(machine)) return null;
  if (login !== null && !isLogin(login)) return null;
  return { user, machine, login };
}
