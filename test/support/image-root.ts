import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { the } from './requirements.ts';
import { must } from './run.ts';

export type ImageKind = 'busybox' | 'debian' | 'distroless';

/** Who can be logged in as in its images, besides root; the number is both theirs and their group's. */
export const APP = { name: 'app', id: 1000 } as const;

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  `${APP.name}:x:${APP.id}:${APP.id}:${APP.name}:/tmp:/bin/sh`,
];
const GROUP = ['root:x:0:', `${APP.name}:x:${APP.id}:`];

/** A file system for an image, out of what this machine has. */
export async function rootOf(kind: ImageKind, root: string): Promise<void> {
  for (const directory of ['bin', 'etc', 'root', 'tmp', 'proc', 'dev', 'sys', 'srv']) {
    mkdirSync(`${root}/${directory}`, { recursive: true });
  }
  chmodSync(`${root}/tmp`, 0o1777);
  writeFileSync(`${root}/etc/passwd`, `${PASSWD.join('\n')}\n`);
  writeFileSync(`${root}/etc/group`, `${GROUP.join('\n')}\n`);
  if (kind === 'distroless') {
    // Busybox is what it is called: here it can only sleep.
    copyFileSync(the('busybox'), `${root}/bin/sleep`);
    return;
  }
  copyFileSync(the('busybox'), `${root}/bin/busybox`);
  const { stdout } = await must(the('busybox'), ['--list']);
  for (const name of stdout.toString().trim().split('\n')) {
    if (name !== 'busybox') symlinkSync('busybox', `${root}/bin/${name}`);
  }
  if (kind === 'busybox') return;
  for (const part of ['bash', 'sftp-server', 'rsync'] as const)
    await withLibraries(root, the(part));
  await withPerl(root);
}

/** What every Debian has of it. */
async function withPerl(root: string): Promise<void> {
  await withLibraries(root, the('perl'));
  const { stdout } = await must(the('perl'), ['-e', 'print for grep { m{/perl-base$} } @INC']);
  const base = stdout.toString();
  cpSync(base, `${root}${base}`, { recursive: true });
}

/** Copies a program with what it is linked to. */
async function withLibraries(root: string, program: string): Promise<void> {
  const { stdout } = await must('ldd', [program]);
  const libraries = [...stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
  for (const path of [program, ...libraries]) {
    mkdirSync(`${root}${dirname(path)}`, { recursive: true });
    copyFileSync(path, `${root}${path}`);
  }
}
