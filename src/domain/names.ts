/** What users, groups, machines and logins may be called. One pattern each, used by every door. */

/** 1 to 64 of letters, digits, `_`, `.`, `-`; begins with a letter, digit or `_`. No `@ + :`. */
const USER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/** 1 to 64 of letters, digits, `_`, `.`, `-`; begins with a letter or digit. */
const MACHINE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** An account on a machine: as USER, with `$` and `\` for directory accounts. */
const LOGIN = /^[A-Za-z0-9_][A-Za-z0-9._$\\-]{0,63}$/;

export const NAME_RULE =
  '1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit';

export function isUserName(text: string): boolean {
  return USER.test(text);
}

export function isMachineName(text: string): boolean {
  return MACHINE.test(text);
}

export function isLogin(text: string): boolean {
  return LOGIN.test(text);
}
