/** Of SFTP version 3 (draft-ietf-secsh-filexfer-02 section 7), what this server answers. */
export const Status = {
  Ok: 0,
  Eof: 1,
  NoSuchFile: 2,
  PermissionDenied: 3,
  Failure: 4,
  BadMessage: 5,
  Unsupported: 8,
} as const;

/** The longest message that goes to a client, in characters. */
const MOST_TEXT = 200;

/** A request that failed, as its client is told. */
export class SftpFailure extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text.slice(0, MOST_TEXT));
    this.name = 'SftpFailure';
    this.status = status;
  }
}

/** What a tool wrote about its failure, as a status: the last of its words say why. */
export function failureOf(word: string): SftpFailure {
  const reason = word.trim().split(': ').at(-1) ?? '';
  if (/no such file|nonexistent/i.test(reason)) {
    return new SftpFailure(Status.NoSuchFile, 'No such file or directory');
  }
  if (/permission denied|not permitted/i.test(reason)) {
    return new SftpFailure(Status.PermissionDenied, 'Permission denied');
  }
  return new SftpFailure(Status.Failure, reason === '' ? 'Failure' : reason);
}
