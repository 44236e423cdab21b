import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';
import { environment } from './environment.ts';

/** The real parts that tests use, and the Debian package that brings each. */
const PACKAGES = {
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-agent': 'openssh-client',
  'ssh-add': 'openssh-client',
  scp: 'openssh-client',
  sftp: 'openssh-client',
  sshd: 'openssh-server',
  'sftp-server': 'openssh-sftp-server',
  postgres: 'postgresql',
  'redis-server': 'redis-server',
  chromium: 'chromium',
  rsync: 'rsync',
  ansible: 'ansible-core',
  sshpass: 'sshpass',
  tmux: 'tmux',
  bash: 'bash',
  zsh: 'zsh',
  fish: 'fish',
  vim: 'vim-tiny',
  less: 'less',
  asciinema: 'asciinema',
  dbclient: 'dropbear-bin',
  dropbearconvert: 'dropbear-bin',
  plink: 'putty-tools',
  psftp: 'putty-tools',
  pscp: 'putty-tools',
  puttygen: 'putty-tools',
  git: 'git',
  sshfs: 'sshfs',
  fusermount3: 'fuse3',
  // A kernel has it, or not; the package brings what uses it.
  '/dev/fuse': 'fuse3',
  'mosh-server': 'mosh',
  lftp: 'lftp',
  curl: 'curl',
  python3: 'python3',
  perl: 'perl-base',
  paramiko: 'python3-paramiko',
  asyncssh: 'python3-asyncssh',
  'ssh-audit': 'ssh-audit',
  patch: 'patch',
  swift: 'python3-swift',
  Xvfb: 'xvfb',
  xauth: 'xauth',
  xdpyinfo: 'x11-utils',
  'g++': 'build-essential',
  make: 'build-essential',
  openssl: 'openssl',
  age: 'age',
  'age-keygen': 'age',
  cryptography: 'python3-cryptography',
  dockerd: 'docker.io',
  docker: 'docker.io',
  runc: 'runc',
  busybox: 'busybox-static',
  podman: 'podman',
  conmon: 'conmon',
  'dpkg-query': 'dpkg',
} as const;

export type Part = keyof typeof PACKAGES;

/** Where parts lie that are not on everybody's PATH. */
const BESIDE_PATH = ['/usr/sbin', '/usr/local/sbin', '/usr/lib/openssh'];

/** Parts that are no program: what has to be there, and may be written to where it is a device. */
const FILES: Partial<Record<Part, { readonly path: string; readonly mode: number }>> = {
  paramiko: { path: '/usr/lib/python3/dist-packages/paramiko', mode: constants.R_OK },
  asyncssh: { path: '/usr/lib/python3/dist-packages/asyncssh', mode: constants.R_OK },
  swift: { path: '/usr/lib/python3/dist-packages/swift', mode: constants.R_OK },
  cryptography: { path: '/usr/lib/python3/dist-packages/cryptography', mode: constants.R_OK },
  '/dev/fuse': { path: '/dev/fuse', mode: constants.R_OK | constants.W_OK },
};

/** Other names that do as well. */
const ALIASES: Partial<Record<Part, readonly string[]>> = {
  vim: ['vim', 'vim.tiny', 'vi'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
};

function permits(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Debian keeps the server's programs out of PATH, one directory for each major version. */
function postgresDirectories(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

/** The absolute path of a part on this machine; null when it is not there. */
export function find(part: Part): string | null {
  const file = FILES[part];
  if (file !== undefined) return permits(file.path, file.mode) ? file.path : null;
  const path = (environment.get('PATH') ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '');
  const directories = [
    ...path,
    ...BESIDE_PATH,
    ...(part === 'postgres' ? postgresDirectories() : []),
  ];
  for (const name of ALIASES[part] ?? [part]) {
    const found = directories
      .map((directory) => join(directory, name))
      .find((path) => permits(path, constants.X_OK));
    if (found !== undefined) return found;
  }
  return null;
}

/** As `find`, for tests that stand behind `needs`; throws with the package's name. */
export function the(part: Part): string {
  const found = find(part);
  if (found === null) throw new Error(`${part} is not here: apt-get install ${PACKAGES[part]}`);
  return found;
}

/** True in CI: a missing part is a failure there, never a skip. */
function everythingRequired(): boolean {
  return environment.get('POSTERN_TEST_REQUIRE') === 'all';
}

/**
 * `describe`, where these parts are installed. Elsewhere the suite is skipped, with the packages in
 * its name for the reporter, or fails under POSTERN_TEST_REQUIRE=all.
 */
export function needs(...parts: readonly Part[]): {
  readonly describe: (name: string, body: () => void) => void;
} {
  const missing = parts.filter((part) => find(part) === null);
  if (missing.length === 0) return { describe: (name, body) => void describe(name, body) };
  const packages = [...new Set(missing.map((part) => PACKAGES[part]))];
  if (everythingRequired()) {
    return {
      describe: (name) => {
        test(`${name} has what it needs`, () => {
          throw new Error(`not installed: apt-get install ${packages.join(' ')}`);
        });
      },
    };
  }
  return {
    describe: (name, body) => void describe.skip(`${name} [needs ${packages.join(', ')}]`, body),
  };
}
