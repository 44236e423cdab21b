import type { Ways } from '../domain/program-access.ts';
import type { ProgramRequest } from './desk-asked.ts';

/** What chooses a language, and no more. */
const LANGUAGE = /^(?:LANG|LC_[A-Z_]{1,32})$/;

/**
 * The request as it goes on to the machine. What was let in to carry files alone gets no terminal,
 * which may drop or change bytes after they were read and filtered here, and nothing in its environment
 * that could make the machine's shell run something else (`BASH_ENV`, `BASH_FUNC_scp%%`). No SFTP
 * client of the SSH servers that there are asks for either, so it is the same with every grant.
 */
export function asAdmitted(request: ProgramRequest, ways: Ways): ProgramRequest {
  const { program, env } = request;
  const sftp = program.type === 'subsystem' && program.name === 'sftp';
  if (ways === 'any' && !sftp) return request;
  return { ...request, pty: null, env: env.filter(([name]) => LANGUAGE.test(name)) };
}
