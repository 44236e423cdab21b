import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { HOME } from './stage.ts';

const PG = '/tmp/corpus-pg';
const SSH = '/tmp/corpus-ssh';
const PG_BIN = '/usr/lib/postgresql/15/bin';

function postgres(...line: readonly string[]): void {
  execFileSync('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', ...line], {
    cwd: '/',
    stdio: 'ignore',
  });
}

/** What the programs of the corpus talk to: a database and an SSH server; answers what ends them. */
export function startServices(): () => void {
  for (const place of [PG, SSH]) rmSync(place, { recursive: true, force: true });
  mkdirSync(PG);
  chmodSync(PG, 0o777);
  postgres(`${PG_BIN}/initdb`, '-D', `${PG}/data`, '-A', 'trust');
  const options = `-c listen_addresses= -c unix_socket_directories=${PG}`;
  postgres(`${PG_BIN}/pg_ctl`, '-D', `${PG}/data`, '-o', options, '-w', '-l', `${PG}/log`, 'start');
  mkdirSync(SSH, { mode: 0o700 });
  for (const key of ['host', 'key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${SSH}/${key}`]);
  }
  const settings = [
    'Port 22822',
    'ListenAddress 127.0.0.1',
    `HostKey ${SSH}/host`,
    `AuthorizedKeysFile ${SSH}/key.pub`,
    `PidFile ${SSH}/pid`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PrintMotd no',
    'PrintLastLog no',
  ];
  writeFileSync(`${SSH}/config`, `${settings.join('\n')}\n`);
  mkdirSync('/run/sshd', { recursive: true });
  const sshd = spawn('/usr/sbin/sshd', ['-D', '-f', `${SSH}/config`], { stdio: 'ignore' });
  writeFileSync(`${HOME}/old-inputrc`, 'set enable-bracketed-paste off\n');
  const inner = `${HOME}/plain-bash`;
  writeFileSync(inner, '#!/bin/sh\nexec bash --norc --noprofile\n', { mode: 0o755 });
  writeFileSync(`${HOME}/tmux.conf`, `set -g default-command ${inner}\n`);
  writeFileSync(`${HOME}/screenrc`, `startup_message off\nshell ${inner}\n`);
  return () => {
    sshd.kill();
    postgres(`${PG_BIN}/pg_ctl`, '-D', `${PG}/data`, '-m', 'immediate', 'stop');
    for (const place of [PG, SSH]) rmSync(place, { recursive: true, force: true });
  };
}
