import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { plainEnvironment } from './environment.ts';
import { eventually, within } from './eventually.ts';
import { type ImageKind, rootOf } from './image-root.ts';
import { kill, programsOf } from './processes.ts';
import { the } from './requirements.ts';
import { must } from './run.ts';
import { type Scratch, scratch } from './scratch.ts';

/** Milliseconds. */
const START_DEADLINE = 60_000;

export interface ContainerOptions {
  readonly image: ImageKind;
  readonly labels?: Readonly<Record<string, string>>;
  /** `host` if not given; `none`: its own, which nothing leads to. */
  readonly network?: 'host' | 'none';
  /** More of `docker run`. */
  readonly more?: readonly string[];
}

/** A program that answers as a Docker Engine. */
interface Daemon {
  readonly name: string;
  /** With its arguments; `at`: names in a directory of its own, `address`: where it is to listen. */
  command(at: (name: string) => string, address: string): readonly string[];
  /** Of its environment. */
  env(at: (name: string) => string): Readonly<Record<string, string>>;
}

/** `more`: of its options. */
const dockerd = (more: readonly string[]): Daemon => ({
  name: 'dockerd',
  command: (at, address) => [
    the('dockerd'),
    // A CI's sandbox has no overlay, no bridge and no firewall to change.
    ...['--storage-driver=vfs', '--iptables=false', '--ip6tables=false', '--bridge=none'],
    ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
    ...['--host', address, ...more],
  ],
  env: () => ({}),
});

/** Limits that a CI's sandbox may set, and locks that are nobody else's. */
const PODMAN_CONF = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
exit_command_delay = 60
`;

const PODMAN: Daemon = {
  name: 'podman',
  command: (at, address) => [
    the('podman'),
    ...['--storage-driver=vfs', '--root', at('data'), '--runroot', at('exec')],
    ...['--tmpdir', at('tmp'), 'system', 'service', '--time=0', address],
  ],
  env: (at) => {
    writeFileSync(at('containers.conf'), PODMAN_CONF);
    return { CONTAINERS_CONF: at('containers.conf') };
  },
};

/** A real Docker Engine of one test file, with images and containers that go with it. */
export class TestDocker implements AsyncDisposable {
  readonly #files: Scratch = scratch();
  readonly #kind: Daemon;
  #daemon: ChildProcess | null = null;
  #log = '';
  readonly #images = new Set<string>();
  readonly #names = new Set<string>();

  constructor(kind: Daemon) {
    this.#kind = kind;
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
    const command = this.#kind.command(at, this.address);
    const daemon = spawn('setpriv', ['--pdeathsig', 'TERM', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: plainEnvironment(this.#kind.env(at)),
    });
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
      `${this.#kind.name} answers`,
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
        if (state === 'ended') throw new Error(`${this.#kind.name} ended`);
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
  async image(kind: ImageKind): Promise<void> {
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
    const about = ['--name', name, '--network', network, ...marks];
    return await this.cli('run', '-d', ...about, ...more, image, ...idle);
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
    await within(`${this.#kind.name} ends`, gone, 40_000).catch((error: unknown) => {
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
      // Podman leaves who minds what was run for minutes, and then makes its directories again.
      for (const pid of programsOf(this.#files.path)) kill(pid, 'SIGKILL');
      spawnSync('umount', ['-l', this.#files.join('exec/netns/default')], { stdio: 'ignore' });
      this.#files[Symbol.dispose]();
    }
  }
}

/** PID 1 of a container has no default actions: without a trap it would ignore TERM. */
const IDLE = 'trap "exit 0" TERM; while :; do sleep 1; done';

/** `more`: of dockerd's options. */
export function startDocker(...more: readonly string[]): Promise<TestDocker> {
  return started(new TestDocker(dockerd(more)));
}

/** Podman's service, which answers as a Docker Engine. */
export function startPodman(): Promise<TestDocker> {
  return started(new TestDocker(PODMAN));
}

async function started(docker: TestDocker): Promise<TestDocker> {
  try {
    await docker.start();
    return docker;
  } catch (error) {
    await docker[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}
