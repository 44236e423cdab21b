import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { showJson } from '../output.ts';
import type { Shell } from '../shell.ts';
import { textAt } from '../wire.ts';

/** `postern ca show`: alone on its line, so that it can go straight into a file. */
export function addCertificateAuthorityCommand(program: Command, shell: Shell): void {
  const authority = program
    .command('ca')
    .description('the authority behind the certificates that Postern logs in to machines with');
  authority
    .command('show')
    .description("print its public key: the line for the file that sshd's TrustedUserCAKeys names")
    .option('--json', 'as JSON, with the fingerprint', false)
    .action(async (options: { json: boolean }) => {
      const found = await ApiClient.of(shell).get('/v1/ca');
      if (options.json) showJson(shell, found);
      else shell.stdout.write(`${textAt(found, 'public_key') ?? ''}\n`);
    });
}
