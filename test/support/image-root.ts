import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { debianRoot } from './debian-root.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';

export type ImageKind = 'busybox' | 'debian' | 'distroless';

/** Who can be logged in as in its images, besides root; the number is both theirs and their group's. */
export const APP = { name: 'app', id: 1000 } as const;

const USERS = { passwd: 'root:x:0:0:root:/root:/bin/sh\n', group: 'root:x:0:\n' } as const;
const ADDED = {
  passwd: `${APP.name}:x:${APP.id}:${APP.id}:${APP.name}:/tmp:/bin/sh\n`,
  group: `${APP.name}:x:${APP.id}:\n`,
} as const;

/** A file system for an image, out of what this machine has. */
export async function rootOf(kind: ImageKind, root: string): Promise<void> {
  mkdirSync(root, { recursive: true });
  if (kind === 'debian') await debianRoot(root);
  for (const directory of ['bin', 'etc', 'root', 'tmp', 'proc', 'dev', 'sys', 'srv']) {
    mkdirSync(`${root}/${directory}`, { recursive: true });
  }
  chmodSync(`${root}/tmp`, 0o1777);
  for (const file of ['passwd', 'group'] as const) {
    if (kind !== 'debian') writeFileSync(`${root}/etc/${file}`, USERS[file]);
    appendFileSync(`${root}/etc/${file}`, ADDED[file]);
  }
  // Busybox is what it is called: in the one it can only sleep.
  if (kind === 'distroless') copyFileSync(the('busybox'), `${root}/bin/sleep`);
  if (kind === 'busybox') await busyboxRoot(root);
}

async function busyboxRoot(root: string): Promise<void> {
  copyFileSync(the('busybox'), `${root}/bin/busybox`);
  const { stdout } = await must(the('busybox'), ['--list']);
  for (const name of stdout.toString().trim().split('\n')) {
    if (name !== 'busybox') symlinkSync('busybox', `${root}/bin/${name}`);
  }
}
