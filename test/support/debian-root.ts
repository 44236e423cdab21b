import { copyFileSync, mkdirSync } from 'node:fs';
import { the } from './requirements.ts';
import { must } from './run.ts';

/** Beside what every Debian has. Tests serve with busybox, and Podman's `top` runs the container's ps. */
const INSTALLED = ['openssh-client', 'openssh-sftp-server', 'rsync', 'busybox-static', 'procps'];

/** What Debian's slim images leave out as well. */
const LEFT_OUT = /^\/usr\/share\/(?:doc|info|lintian|locale|man)\//;

/** The files named on its input, into `$1`; what is not there any more is left out. */
const COPY = 'tar -C / --no-recursion --null -T - -cf - 2>/dev/null | tar -C "$1" -xf -';

interface Package {
  readonly isEssential: boolean;
  /** Names of which one of each row is needed. */
  readonly needs: readonly (readonly string[])[];
}

/**
 * The file system of a Debian, without a download: the files of this one's Essential packages and of those named
 * above, with all that they depend on, as dpkg has installed them here, and users of its own. What only a package's
 * scripts make is not there (alternatives, caches), and neither is dpkg's own record.
 */
export async function debianRoot(root: string): Promise<void> {
  const packages = await installed();
  const essential = [...packages].filter(([, { isEssential }]) => isEssential);
  const wanted = new Set([...INSTALLED, ...essential.map(([name]) => name)]);
  for (const name of wanted) {
    for (const choice of packages.get(name)?.needs ?? []) {
      const there = choice.find((one) => packages.has(one));
      if (there !== undefined) wanted.add(there);
    }
  }
  const { stdout } = await must(the('dpkg-query'), ['--listfiles', ...wanted]);
  const paths = stdout.toString().split('\n');
  const files = paths.filter((path) => /^\/[^.]/.test(path) && !LEFT_OUT.test(path));
  // Where its own /bin and /lib lead to, which are symbolic links.
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(`${root}/usr/${name}`, { recursive: true });
  }
  const names = [...new Set(files)].map((path) => path.slice(1)).join('\0');
  await must('sh', ['-c', COPY, 'copy', root], { input: names });
  for (const file of ['passwd', 'group']) {
    copyFileSync(`${root}/usr/share/base-passwd/${file}.master`, `${root}/etc/${file}`);
  }
}

/** What dpkg has installed here, by name. */
async function installed(): Promise<ReadonlyMap<string, Package>> {
  const fields = ['db:Status-Status', 'Package', 'Essential', 'Pre-Depends', 'Depends'];
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const { stdout } = await must(the('dpkg-query'), ['--show', '--showformat', format]);
  const rows = stdout
    .toString()
    .split('\n')
    .map((row) => row.split('\t'));
  return new Map(
    rows
      .filter(([state]) => state === 'installed')
      .map(([, name = '', essential, ...depends]) => {
        const needs = depends
          .flatMap((list) => list.split(','))
          .map((choice) => choice.split('|').map((one) => one.trim().replace(/[ :].*/s, '')));
        return [name, { isEssential: essential === 'yes', needs }];
      }),
  );
}
