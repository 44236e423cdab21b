/** SFTP version 3 (draft-ietf-secsh-filexfer-02 section 3), as far as it is looked at. */
export const Sftp = {
  Init: 1,
  Version: 2,
  Open: 3,
  Close: 4,
  Read: 5,
  Write: 6,
  Lstat: 7,
  Fstat: 8,
  Setstat: 9,
  Fsetstat: 10,
  Opendir: 11,
  Readdir: 12,
  Remove: 13,
  Mkdir: 14,
  Rmdir: 15,
  Realpath: 16,
  Stat: 17,
  Rename: 18,
  Readlink: 19,
  Symlink: 20,
  Status: 101,
  Handle: 102,
  Data: 103,
  Extended: 200,
} as const;

export const EOF = 1;

const RESULTS = [
  'ok',
  'end of file',
  'no such file',
  'permission denied',
  'failure',
  'bad message',
  'no connection',
  'connection lost',
  'operation unsupported',
] as const;

/** A status code in words (section 7). */
export function resultOf(code: number): string {
  return RESULTS[code] ?? `status ${code}`;
}
