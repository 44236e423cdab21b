import { createHash, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { Bastion } from '../support/bastion.ts';
import { eventually } from '../support/eventually.ts';
import { residentBytes } from '../support/processes.ts';
import type { SshClient } from '../support/ssh-client.ts';

const MB = 1024 * 1024;

const LARGE = 200 * MB;

/** Machines, and what their images have: busybox's tools alone, or what a Debian's packages bring. */
const IMAGES = [
  { machine: 'shop', image: 'busybox', isWhole: false },
  { machine: 'tools', image: 'Debian', isWhole: true },
] as const;

/** Names that a shell or a tool might take for something else. */
const NAMES = ['plain', 'with space', '-rf', "it's $(id) `id` \\ *", 'two\nlines\n', 'Grüße'];

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** As `ssh` and its like end that have nothing to say against it. */
const WELL = { stderr: '', status: 0 } as const;

/** Part of what is tested with a bastion before containers; `all`: once they have begun. */
export function filesInContainers(
  all: () => { readonly bastion: Bastion; readonly alice: SshClient },
): void {
  for (const { machine, image, isWhole } of IMAGES) {
    describe(`files in a container of ${image}`, () => {
      const user = `alice+${machine}`;
      /** One directory here and one there, of one try of one test. */
      let here = '';
      let there = '';
      beforeEach(async () => {
        const name = randomBytes(4).toString('hex');
        here = all().alice.path(name);
        there = `/tmp/${name}`;
        mkdirSync(here);
        await ssh(`mkdir ${there}`);
      });

      const ssh = async (command: string): Promise<string> => {
        const done = await all().alice.ssh(user, command);
        expect(done).toMatchObject(WELL);
        return done.stdout.toString();
      };

      /** New ones, in `here`. */
      const fileOf = (length: number, name: string): Buffer => {
        const bytes = randomBytes(length);
        writeFileSync(`${here}/${name}`, bytes);
        return bytes;
      };

      /** A directory with what directories can have; a time that is long over. */
      const treeOf = (name: string): string => {
        const tree = `${here}/${name}`;
        mkdirSync(`${tree}/empty`, { recursive: true });
        mkdirSync(`${tree}/in ner`);
        for (const one of NAMES) writeFileSync(`${tree}/in ner/${one}`, `of ${one}`);
        utimesSync(`${tree}/in ner/plain`, 1_000_000_000, 1_000_000_000);
        return tree;
      };

      const expectTree = (tree: string): void => {
        expect(readdirSync(`${tree}/empty`)).toEqual([]);
        const inner = `${tree}/in ner`;
        expect(readdirSync(inner).toSorted()).toEqual(NAMES.toSorted());
        for (const one of NAMES) expect(readFileSync(`${inner}/${one}`, 'utf8')).toBe(`of ${one}`);
        expect(lstatSync(`${inner}/plain`).mtimeMs).toBe(1_000_000_000_000);
      };

      test('scp takes and gives them, noted as all others', async () => {
        const bytes = fileOf(8 * MB, 'large');
        const { alice, bastion } = all();
        expect(await alice.scp(user, `${here}/large`, `:${there}/by scp`)).toMatchObject(WELL);
        expect(await alice.scp(user, `:${there}/by scp`, `${here}/back`)).toMatchObject(WELL);
        expect(sha256(readFileSync(`${here}/back`))).toBe(sha256(bytes));
        const noted = async (direction: string): Promise<unknown> => {
          const sessions = await bastion.sessions('status=all&limit=100');
          for (const { id } of sessions.filter((one) => one.machine.name === machine)) {
            const data = dataOf(await bastion.api(`sessions/${id}/transfers`));
            const { transfers } = data as { transfers: { direction: string; path: string }[] };
            const found = transfers.find(
              (one) => one.direction === direction && one.path === `${there}/by scp`,
            );
            if (found !== undefined) return found;
          }
          return null;
        };
        for (const direction of ['upload', 'download']) {
          expect(await eventually(`the ${direction}`, () => noted(direction))).toMatchObject({
            ...{ result: 'ok', sha256: sha256(bytes) },
          });
        }
      });

      test('scp takes and gives whole directories, whatever their names are', async () => {
        const { alice } = all();
        const sent = await alice.scp(user, treeOf('tree'), `:${there}/tree`, ['-r', '-p']);
        expect(sent).toMatchObject(WELL);
        const back = await alice.scp(user, `:${there}/tree`, `${here}/again`, ['-r', '-p']);
        expect(back).toMatchObject(WELL);
        expectTree(`${here}/again`);
        expect(await ssh(`cat "${there}/tree/in ner/two\nlines\n"`)).toBe('of two\nlines\n');
      });

      test('scp -O needs one there', async () => {
        const { alice } = all();
        const bytes = fileOf(MB, 'file');
        const sent = await alice.scp(user, `${here}/file`, `:${there}/by-scp`, ['-O']);
        const back = await alice.scp(user, `:${there}/by-scp`, `${here}/back`, ['-O']);
        if (isWhole) {
          expect([sent, back]).toMatchObject([WELL, WELL]);
          expect(sha256(readFileSync(`${here}/back`))).toBe(sha256(bytes));
          return;
        }
        for (const done of [sent, back]) {
          expect(done.status).not.toBe(0);
          expect(done.stderr).toContain('its image has no scp; scp without -O needs none');
        }
      });

      test('sftp does all that it can', async () => {
        const { alice } = all();
        const bytes = fileOf(3 * MB, 'whole');
        for (const part of ['got', 'part']) writeFileSync(`${here}/${part}`, bytes.subarray(0, MB));
        const done = await alice.sftp(user, [
          `cd ${there}`,
          ...['mkdir dir', 'mkdir gone', 'rmdir gone'],
          ...[`put ${here}/whole first`, 'rename first dir/second', 'chmod 640 dir/second'],
          ...['ln dir/second hard', 'ln -s dir/second soft', 'ls -l dir', 'ls -1'],
          ...[`get -a dir/second ${here}/got`, `put ${here}/part part`],
          ...['rename part half', `lcd ${here}`, '!mv whole half', 'put -a half'],
          ...['put half excess', 'rm excess', 'pwd'],
        ]);
        expect(done).toMatchObject(WELL);
        const said = done.stdout.toString();
        expect(said).toMatch(/^-rw-r----- .* 3145728 .* (?:dir\/)?second$/m);
        expect(said).toMatch(/^dir\s+hard\s+soft\s*$/m);
        expect(said).toContain(`Remote working directory: ${there}\n`);
        expect(sha256(readFileSync(`${here}/got`))).toBe(sha256(bytes));
        const found = await ssh(`cd ${there} && ls -1 . && readlink soft && sha256sum hard half`);
        const sum = sha256(bytes);
        expect(found).toBe(`dir\nhalf\nhard\nsoft\ndir/second\n${sum}  hard\n${sum}  half\n`);
      });

      if (!isWhole) {
        test('a large one does not pass through memory', { timeout: 120_000 }, async () => {
          const { alice, bastion } = all();
          const processes = bastion.family;
          const held = (): number => processes.reduce((sum, pid) => sum + residentBytes(pid), 0);
          writeFileSync(`${here}/large`, '');
          truncateSync(`${here}/large`, LARGE);
          await ssh(`truncate -s ${LARGE} ${there}/large`);
          const before = held();
          let peak = before;
          const looks = setInterval(() => {
            peak = Math.max(peak, held());
          }, 50);
          const bothWays = async () => [
            await alice.scp(user, `${here}/large`, `:${there}/sent`),
            await alice.scp(user, `:${there}/large`, `${here}/back`),
          ];
          const [sent, back] = await bothWays().finally(() => clearInterval(looks));
          expect([sent, back]).toMatchObject([WELL, WELL]);
          expect(lstatSync(`${here}/back`).size).toBe(LARGE);
          expect(await ssh(`stat -c %s ${there}/sent; rm ${there}/*`)).toBe(`${LARGE}\n`);
          // What a process's first transfer needs is some 100 MB.
          expect((peak - before) / MB).toBeLessThan(180);
        });
      }

      test('sftp says why one is not to be had', async () => {
        const done = await all().alice.sftp(user, [`get ${there}/none ${here}/none`]);
        expect(done.stderr).toContain('not found');
        expect(done.status).toBe(1);
      });

      test('rsync needs one there', async () => {
        const { alice } = all();
        const tree = treeOf('tree');
        symlinkSync('in ner/plain', `${tree}/link`);
        const sent = await alice.rsync(user, tree, `:${there}`);
        const back = await alice.rsync(user, `:${there}/tree`, `${here}/again`);
        if (isWhole) {
          expect([sent, back]).toMatchObject([WELL, WELL]);
          expectTree(`${here}/again/tree`);
          expect(readlinkSync(`${here}/again/tree/link`)).toBe('in ner/plain');
          return;
        }
        for (const done of [sent, back]) {
          expect(done.status).not.toBe(0);
          expect(done.stderr).toContain('its image has no rsync; sftp and scp need none');
        }
      });
    });
  }
}
