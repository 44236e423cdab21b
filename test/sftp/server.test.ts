import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SftpServer } from '../../src/sftp/server.ts';
import { ToolShell } from '../../src/sftp/tool-shell.ts';
import { eventually } from '../support/eventually.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { text, uint32, uint64 } from '../transfer/wire.ts';
import { Client, Here, NONE } from './lab.ts';

const READ = 1;
const WRITE = 2;
const APPEND = 4;
const NEW = 8;
const EMPTY = 16;
const ALONE = 32;

describe('SFTP over the tools of a container', () => {
  let files: Scratch;
  let here: Here;
  let client: Client;
  let tools: ToolShell;
  beforeEach(async () => {
    files = scratch();
    here = new Here();
    const begun = await ToolShell.begin(here.run, '/bin/sh');
    if (typeof begun === 'string') throw new Error(begun);
    tools = begun;
    client = new Client(new SftpServer({ run: here.run, shell: '/bin/sh', tools }));
  });
  afterEach(async () => {
    client.server.close(true);
    tools.end();
    await eventually('nothing runs any more', () => here.running.size === 0);
    files[Symbol.dispose]();
  });

  test('a file is written and read in one stream each way, and asked beyond its end', async () => {
    const path = files.join('a file');
    const out = await client.open(
      path,
      WRITE | NEW | EMPTY,
      Buffer.concat([uint32(4), uint32(0o640)]),
    );
    const before = here.begun;
    for (let at = 0; at < 5; at += 1) await client.write(out, at * 4, `n${at}\n.`);
    await client.close(out);
    expect(here.begun).toBe(before);
    expect(readFileSync(path, 'utf8')).toBe('n0\n.n1\n.n2\n.n3\n.n4\n.');
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
    const into = await client.open(path, READ);
    const reads = [0, 8, 16, 24, 32].map((at) => client.read(into, at, 8));
    expect(await Promise.all(reads)).toEqual(['n0\n.n1\n.', 'n2\n.n3\n.', 'n4\n.', null, null]);
    await client.close(into);
    expect(here.begun).toBe(before + 1);
  });

  test('any place of a file can be read and written', async () => {
    const path = files.join('leaps');
    writeFileSync(path, '0123456789');
    const both = await client.open(path, READ | WRITE);
    expect(await client.read(both, 6, 2)).toBe('67');
    await client.write(both, 2, 'XY');
    await client.write(both, 8, 'Z');
    expect(await client.read(both, 0, 100)).toBe('01XY4567Z9');
    expect(await client.read(both, 1000, 10)).toBe(null);
    await client.close(both);
    const more = await client.open(path, WRITE | APPEND);
    await client.write(more, 0, 'end');
    await client.close(more);
    expect(readFileSync(path, 'utf8')).toBe('01XY4567Z9end');
  });

  test('a place that no file can have is refused, and nothing else is written instead', async () => {
    const path = files.join('kept');
    writeFileSync(path, 'as it was');
    const handle = await client.open(path, READ | WRITE);
    for (const place of [2n ** 63n, 2n ** 64n - 1n]) {
      const at = Buffer.alloc(8);
      at.writeBigUInt64BE(place);
      expect(await client.status(6, handle, at, text('gone'))).toBe(4);
      expect(await client.status(5, handle, at, uint32(10))).toBe(1);
    }
    await client.close(handle);
    expect(readFileSync(path, 'utf8')).toBe('as it was');
  });

  test('names are bytes, and no shell reads them', async () => {
    const names = ['-n', ' ', '\n', 'a\nb\n', '$(id)', "'", '"', '\\0101', '*', '%s', 'ü'].map(
      (name) => Buffer.from(name),
    );
    names.push(Buffer.from([0xff, 0xfe, 0x01]));
    const at = files.join('names');
    mkdirSync(at);
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${at}/`), name]);
      const handle = await client.open(path, WRITE | NEW);
      await client.write(handle, 0, 'x');
      await client.close(handle);
      expect((await client.ask(7, text(path))).type).toBe(105);
    }
    const seen = readdirSync(at, { encoding: 'buffer' }).toSorted(Buffer.compare);
    expect(seen).toEqual(names.toSorted(Buffer.compare));
    expect((await client.names(at)).toSorted(Buffer.compare)).toEqual(seen);
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${at}/`), name]);
      expect(await client.status(13, text(path))).toBe(0);
    }
    expect(readdirSync(at)).toEqual([]);
  });

  test('a directory of more entries than a command line would take at once is whole', async () => {
    const at = files.join('many');
    mkdirSync(at);
    const names = Array.from({ length: 450 }, (_, n) => `entry ${String(n).padStart(3, '0')}`);
    for (const name of names) writeFileSync(`${at}/${name}`, '');
    symlinkSync('nowhere', `${at}/dangling`);
    const seen = (await client.names(at)).map((name) => name.toString()).toSorted();
    expect(seen).toEqual(['dangling', ...names]);
  });

  test('what has to do with names and attributes', async () => {
    const path = (name: string): Buffer => text(files.join(name));
    expect(await client.status(14, path('dir'), NONE)).toBe(0);
    expect(await client.status(14, path('dir'), NONE)).toBe(4);
    writeFileSync(files.join('one'), '12345');
    writeFileSync(files.join('two'), '2');
    expect(await client.status(18, path('one'), path('two'))).toBe(4);
    const extension = text('posix-rename@openssh.com');
    expect(await client.status(200, extension, path('one'), path('dir'))).toBe(4);
    expect(await client.status(200, extension, path('one'), path('two'))).toBe(0);
    expect(await client.status(18, path('two'), path('dir/three'))).toBe(0);
    expect(await client.status(15, path('dir'))).toBe(4);
    expect(await client.status(13, path('dir'))).toBe(4);
    expect(await client.status(20, text('dir/three'), path('link'))).toBe(0);
    expect(readlinkSync(files.join('link'))).toBe('dir/three');
    expect((await client.ask(19, path('link'))).body.toString()).toContain('dir/three');
    expect((await client.ask(16, path('link'))).body.toString()).toContain(files.join('dir/three'));
    const size = Buffer.concat([uint32(1), uint64(3)]);
    expect(await client.status(9, path('link'), size)).toBe(0);
    const rest = Buffer.concat([uint32(12), uint32(0o600), uint32(1), uint32(1_000_000_000)]);
    expect(await client.status(9, path('link'), rest)).toBe(0);
    const { size: left, mode, mtimeMs } = statSync(files.join('dir/three'));
    expect([left, mode & 0o777, mtimeMs]).toEqual([3, 0o600, 1_000_000_000_000]);
    const { type, body } = await client.ask(17, path('link'));
    expect([type, body.readBigUInt64BE(4), body.readUInt32BE(28)]).toEqual([
      105,
      3n,
      1_000_000_000,
    ]);
  });

  test('what cannot be is said', async () => {
    const path = (name: string): Buffer => text(files.join(name));
    writeFileSync(files.join('there'), '');
    expect(await client.status(3, path('none'), uint32(READ), NONE)).toBe(2);
    expect(await client.status(3, path('none'), uint32(WRITE), NONE)).toBe(2);
    expect(await client.status(3, path('no/file'), uint32(WRITE | NEW), NONE)).toBe(2);
    expect(await client.status(3, path('there'), uint32(WRITE | NEW | ALONE), NONE)).toBe(4);
    expect(await client.status(3, path('.'), uint32(READ), NONE)).toBe(4);
    for (const type of [7, 13, 15, 17, 19])
      expect(await client.status(type, path('none'))).not.toBe(0);
    expect(await client.status(7, path('none'))).toBe(2);
    expect(await client.status(11, path('none'))).toBe(2);
    expect(await client.status(11, path('there'))).toBe(4);
    expect(await client.status(18, path('none'), path('other'))).toBe(2);
    expect(await client.status(5, text('handle'), uint64(0), uint32(1))).toBe(4);
    expect(await client.status(200, text('limits@openssh.com'))).toBe(8);
    expect(existsSync(files.join('other'))).toBe(false);
  });

  test('what is let go of before its end does not run on', async () => {
    const path = files.join('large');
    writeFileSync(path, randomBytes(3_000_000));
    const handle = await client.open(path, READ);
    expect((await client.read(handle, 0, 1000))?.length).toBe(1000);
    expect(here.running.size).toBe(2);
    await client.close(handle);
    await eventually('its program has ended', () => here.running.size === 1);
  });

  test('what is no SFTP ends it', async () => {
    client.server.stdin.write(Buffer.alloc(100));
    expect(await client.server.ended).toBe(false);
  });
});

test('an image without the tools says which', async () => {
  const here = new Here();
  const bare = await ToolShell.begin(
    ([shell = '', ...args]) => here.run(['/usr/bin/env', 'PATH=/nowhere', shell, ...args]),
    '/bin/sh',
  );
  expect(bare).toBe('cat chmod dd ln mkdir mv readlink rm rmdir stat touch');
  await eventually('it has ended', () => here.running.size === 0);
});
