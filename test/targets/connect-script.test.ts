import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { ContainerExec } from '../../src/domain/container-engine.ts';
import { connectCommand } from '../../src/targets/connect-script.ts';
import { ContainerLink } from '../../src/targets/container-link.ts';
import { environment } from '../support/environment.ts';
import { within } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { digest, echo, freePort } from '../support/tunnels.ts';

const MB = 1024 * 1024;
const files = scratch();
afterAll(() => files[Symbol.dispose]());

/** A program of this machine, as an engine gives one. */
function begun([file = '', ...args]: readonly string[], path: string) {
  // Names that are none are not to be asked for at length.
  const env = { PATH: path, RES_OPTIONS: 'timeout:1 attempts:1' };
  const child = spawn(file, args, { env, detached: true, stdio: 'pipe' });
  const { stdin, stdout, stderr, pid } = child;
  stdin.on('error', () => undefined);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const close = (): void => {
    for (const one of [stdin, stdout, stderr]) one.destroy();
  };
  const resize = (): Promise<void> => Promise.resolve();
  const exec: ContainerExec = { id: '', stdin, stdout, stderr, exited, resize, close };
  const hangUp = (): Promise<boolean> => {
    if (pid !== undefined && child.exitCode === null) process.kill(-pid, 'SIGHUP');
    return Promise.resolve(true);
  };
  return { exec, hangUp };
}

/** Where nothing is but these programs. */
function onlyWith(name: string, programs: Readonly<Record<string, string>>): string {
  const path = files.join(name);
  mkdirSync(path, { recursive: true });
  for (const [program, file] of Object.entries(programs)) {
    if (file === the('busybox')) symlinkSync(file, `${path}/${program}`);
    else {
      const all = environment.get('PATH') ?? '';
      writeFileSync(`${path}/${program}`, `#!/bin/sh\nPATH='${all}' exec '${file}' "$@"\n`, {
        mode: 0o755,
      });
    }
  }
  return path;
}

/** Servers of one test. */
const listening: AsyncDisposable[] = [];
const links: ContainerLink[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  for (const one of listening.splice(0)) await one[Symbol.asyncDispose]();
});

async function served<T extends AsyncDisposable>(server: Promise<T>): Promise<T> {
  const one = await server;
  listening.push(one);
  return one;
}

function connect(path: string, host: string, port: string): ContainerLink {
  const { exec, hangUp } = begun(connectCommand('/bin/sh', host, port), path);
  const link = new ContainerLink(exec, hangUp);
  links.push(link);
  return link;
}

/** A server that does this with its one connection. */
async function serving(
  take: (socket: Socket) => void,
  at: { readonly host: string } | { readonly path: string } = { host: '127.0.0.1' },
) {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    resolve(socket);
    take(socket);
  });
  await new Promise<void>((ready) => server.listen('path' in at ? at : { ...at, port: 0 }, ready));
  const address = server.address();
  listening.push({
    async [Symbol.asyncDispose]() {
      server.close();
      (await Promise.race([promise, null]))?.destroy();
    },
  });
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  return { port, socket: promise };
}

const TOOLS = { perl: 'perl', python: 'python3', "busybox's nc": 'busybox' } as const;

for (const [name, part] of Object.entries(TOOLS)) {
  const isWhole = part !== 'busybox';
  needs(part, 'busybox').describe(`a forward in a container, with ${name}`, () => {
    const path = () => {
      const box = Object.fromEntries(['sleep', 'readlink'].map((tool) => [tool, the('busybox')]));
      const own = { [isWhole ? part : 'nc']: the(part) };
      return onlyWith(randomBytes(4).toString('hex'), { ...box, ...own });
    };

    test('carries twenty megabytes each way', async () => {
      const { port } = await served(echo());
      const link = connect(path(), '127.0.0.1', String(port));
      expect(await within('it begins', link.begun)).toBeNull();
      const bytes = randomBytes(20 * MB);
      link.stream.write(bytes);
      link.endInput();
      const back = await within('all of it', buffer(link.stream));
      expect(back.equals(bytes)).toBe(true);
      await within('it is closed', link.closed);
    });

    test('half-closes: what answers only after the end of input is heard', async () => {
      const { port } = await served(digest());
      const link = connect(path(), 'localhost', String(port));
      link.stream.write('abc');
      const finished = link.finish();
      const sha256 = createHash('sha256').update('abc').digest('hex');
      expect(await within('an answer', text(link.stream))).toBe(sha256);
      await within('what was written is out', finished);
      await within('it is closed', link.closed);
    });

    test('reaches addresses of both kinds', async () => {
      const six = await serving((socket) => socket.end('six'), { host: '::1' });
      const link = connect(path(), '::1', six.port);
      expect(await within('an answer', text(link.stream))).toBe('six');
      expect(await link.begun).toBeNull();
      // What a name stands for a program of its own finds out; perl and python ask the system.
      if (isWhole) return;
      const again = connect(path(), 'localhost', six.port);
      expect(await within('an answer', text(again.stream))).toBe('six');
    });

    test('says why it does not stand', async () => {
      const refused = connect(path(), '127.0.0.1', String(await freePort()));
      expect(await within('a reason', refused.begun)).toBe('Connection refused');
      await within('it is closed', refused.closed);
    });

    test('ends when it is closed, and tells its server so', async () => {
      const { port, socket } = await serving((one) => one.write('hello'));
      const link = connect(path(), '127.0.0.1', port);
      expect(await within('it begins', link.begun)).toBeNull();
      const gone = new Promise((resolve) => void socket.then((one) => one.once('end', resolve)));
      await within('its first word', new Promise((wake) => link.stream.once('data', wake)));
      void socket.then((one) => one.resume());
      link.close();
      await within('the server hears of it', gone);
      await within('it is closed', link.closed);
    });

    test('ends when its server closes', async () => {
      const { port, socket } = await serving((one) => one.write('hello'));
      const link = connect(path(), '127.0.0.1', port);
      link.stream.resume();
      expect(await within('it begins', link.begun)).toBeNull();
      (await socket).resetAndDestroy();
      await within('it is closed', link.closed);
    });

    test('never has a shell read where it leads', async () => {
      const trap = files.join(`trap-${part}`);
      const hosts = [`$(touch ${trap})`, `\`touch ${trap}\``, `'; touch ${trap}; '`, '-e'];
      const all = await Promise.all(
        hosts.map((host) => within('a reason', connect(path(), host, '80').begun, 50_000)),
      );
      for (const why of all) expect(why).toMatch(/\w/);
      expect(existsSync(trap)).toBe(false);
    });

    test(isWhole ? 'reaches a socket' : 'says what a socket would need', async () => {
      const at = files.join(`${part}.sock`);
      await serving((socket) => socket.end('of a socket'), { path: at });
      const link = connect(path(), at, '');
      const why = await within('it begins, or not', link.begun);
      if (isWhole) expect(await text(link.stream)).toBe('of a socket');
      else expect(why).toContain('neither perl nor python');
    });

    if (isWhole) {
      test('is told of the end of what comes, and goes on with what goes', async () => {
        const { promise: all, resolve } = Promise.withResolvers<string>();
        const { port } = await serving((socket) => {
          socket.end('that is all');
          void text(socket).then(resolve);
        });
        const link = connect(path(), '127.0.0.1', port);
        expect(await within('its end', text(link.stream))).toBe('that is all');
        link.stream.write('not here');
        link.endInput();
        expect(await within('what went', all)).toBe('not here');
        await within('it is closed', link.closed);
      });

      test.each(['an address', 'a socket'])('ends when %s has closed both ways', async (kind) => {
        const at = kind === 'a socket' ? { path: files.join(`${part}-bye.sock`) } : undefined;
        const { port, socket } = await serving((one) => one.end('bye'), at);
        const link = connect(path(), at?.path ?? '127.0.0.1', port);
        expect(await within('its end', text(link.stream))).toBe('bye');
        if (at === undefined) (await socket).resetAndDestroy();
        else (await socket).destroy();
        await within('it is closed', link.closed);
      });
    }
  });
}

needs('busybox').describe('a forward in a container without any of them', () => {
  test('says what is missing', async () => {
    const link = connect(onlyWith('none', {}), '127.0.0.1', '80');
    expect(await within('a reason', link.begun)).toContain('none of perl, python and busybox');
  });
});
