import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { plainEnvironment } from './environment.ts';
import { eventually, within } from './eventually.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';
import { type Scratch, scratch } from './scratch.ts';

/** Milliseconds. */
const START_DEADLINE = 60_000;

/** Who can be logged in as in its images, besides root; the number is both theirs and their group's. */
export const APP = { name: 'app', id: 1000 } as const;

export interface ContainerOptions {
  readonly image: 'busybox' | 'debian' | 'distroless';
  readonly labels?: Readonly<Record<string, string>>;
  /** `host` if not given; `none`: its own, which nothing leads to. */
  readonly network?: 'host' | 'none';
  /** More of `docker run`. */
  readonly more?: readonly string[];
}

/** A real Docker Engine of one test file, with images and containers that go with it. */
export class TestDocker implements AsyncDisposable {
  readonly #files: Scratch = scratch();
  readonly #more: readonly string[];
  #daemon: ChildProcess | null = null;
  #log = '';
  readonly #images = new Set<string>();
  readonly #names = new Set<string>();

  constructor(more: readonly string[]) {
    this.#more = more;
  }

  get socket(): string {
    return this.#files.join('docker.sock');
  }

  /** As `engine:` of a machine. */
  get address(): string {
    return `unix://${this.socket}`;
  }

  /** Settles when it answers, at once when it runs; rejects with its log when it cannot run here. */
  async start(): Promise<void> {
    if (this.#daemon !== null) return;
    const at = (name: string): string => this.#files.join(name);
    const daemon = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'TERM', the('dockerd')],
        // A CI's sandbox has no overlay, no bridge and no firewall to change.
        ...['--storage-driver=vfs', '--iptables=false', '--ip6tables=false', '--bridge=none'],
        ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
        ...['--host', this.address, ...this.#more],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() },
    );
    this.#daemon = daemon;
    const hear = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    };
    daemon.stdout.on('data', hear);
    daemon.stderr.on('data', hear);
    daemon.once('error', (error) => {
      this.#log += String(error);
    });
    await eventually(
      'dockerd answers',
      async () => {
        if (daemon.exitCode !== null || daemon.signalCode !== null) return 'ended';
        const version = await must(the('docker'), ['version'], {
          env: { DOCKER_HOST: this.address },
        }).catch(() => null);
        return version === null ? null : 'ready';
      },
      START_DEADLINE,
    )
      .then((state) => {
        if (state === 'ended') throw new Error('dockerd ended');
      })
      .catch((error: unknown) => {
        throw new Error(`${String(error)}\n${this.#log}`, { cause: error });
      });
  }

  /** `docker ARGS`; answers what it printed. */
  async cli(...args: readonly string[]): Promise<string> {
    const done = await must(the('docker'), args, { env: { DOCKER_HOST: this.address } });
    return done.stdout.toString().trim();
  }

  /** Makes the image if there is none yet. */
  async image(kind: ContainerOptions['image']): Promise<void> {
    if (this.#images.has(kind)) return;
    const root = this.#files.join(`root-${kind}`);
    await rootOf(kind, root);
    const tar = this.#files.join(`${kind}.tar`);
    await must('tar', ['-C', root, '-cf', tar, '.']);
    await this.cli('import', tar, `${kind}:latest`);
    this.#images.add(kind);
  }

  /** A container that runs until it is stopped; answers its id. Any of this name goes first. */
  async run(name: string, options: ContainerOptions): Promise<string> {
    const { image, labels = {}, network = 'host', more = [] } = options;
    await this.image(image);
    // A test that is tried again finds what its first try has left.
    if (this.#names.has(name)) await this.#remove(name);
    this.#names.add(name);
    const marks = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
    const idle = image === 'distroless' ? ['/bin/sleep', '100000'] : ['sh', '-c', IDLE];
    const net = ['--network', network];
    return await this.cli('run', '-d', '--name', name, ...net, ...marks, ...more, image, ...idle);
  }

  /** Silent when there is none. */
  async #remove(name: string): Promise<void> {
    await this.cli('rm', '--force', name).catch(() => undefined);
  }

  /** The processes in a container: their command lines. */
  async processes(name: string): Promise<readonly string[]> {
    const text = await this.cli('top', name, '-eo', 'pid,args');
    return text
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/^\d+\s+/, ''));
  }

  /** Ends it, as a stop of its service does; containers go with it. */
  async stop(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = null;
    if (daemon === null || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = new Promise((done) => daemon.once('close', done));
    daemon.kill('SIGTERM');
    await within('dockerd ends', gone, 40_000).catch((error: unknown) => {
      daemon.kill('SIGKILL');
      throw new Error(`${String(error)}\n${this.#log}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#daemon !== null) {
        const ids = (await this.cli('ps', '--all', '--quiet'))
          .split('\n')
          .filter((id) => id !== '');
        if (ids.length > 0) await this.cli('rm', '--force', ...ids);
      }
      await this.stop();
    } finally {
      spawnSync('umount', ['-l', this.#files.join('exec/netns/default')], { stdio: 'ignore' });
      this.#files[Symbol.dispose]();
    }
  }
}

/** PID 1 of a container has no default actions: without a trap it would ignore TERM. */
const IDLE = 'trap "exit 0" TERM; while :; do sleep 1; done';

/** `more`: of dockerd's options. */
export async function startDocker(...more: readonly string[]): Promise<TestDocker> {
  const docker = new TestDocker(more);
  try {
    await docker.start();
    return docker;
  } catch (error) {
    await docker[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  `${APP.name}:x:${APP.id}:${APP.id}:${APP.name}:/tmp:/bin/sh`,
];
const GROUP = ['root:x:0:', `${APP.name}:x:${APP.id}:`];

/** A file system for an image, out of what this machine has. */
async function rootOf(kind: ContainerOptions['image'], root: string): Promise<void> {
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
