import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EndPrograms, EnteredContainer } from '../../src/domain/entered-container.ts';
import { within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { conforms } from './conformance.ts';
import { leavesNothing } from './left-in-containers.ts';
import { marksEverything } from './marks-in-containers.ts';
import { openPodStage, type PodStage } from './pod-stage.ts';

/** Beside conformance.test.ts, so that both run at once. */
needs(
  'dockerd',
  'docker',
  'runc',
  'busybox',
  'bash',
  'sftp-server',
  'dpkg-query',
  'rsync',
  'openssl',
).describe('a pod', () => {
  let stage: PodStage;
  beforeAll(async () => {
    stage = await openPodStage();
  }, 120_000);
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const subject = (pod: string, runs: string, cluster: string) => () => ({
    connect: () => stage.connect({ choice: { pod }, cluster }),
    runs: async (word: string) =>
      (await stage.docker.processes(runs)).some(
        (line) => /^(?:sleep|yes) /.test(line) && line.includes(word),
      ),
  });
  const manners = {
    killed: (_name: string, number: number) => ({ type: 'code', code: 128 + number }),
    signals: true,
  };

  needs('busybox').describe('of busybox, by a token', () => {
    conforms(subject('small-0', 'small', 'token'), manners);
  });
  describe('of busybox, entered', () => {
    const entered: EnteredContainer[] = [];
    const { runs } = subject('small-0', 'small', 'token')();
    const connect = () =>
      stage.connect({ choice: { pod: 'small-0' } }, stage.clusters, {
        onEntered: (one) => entered.push(one),
      });
    const end: EndPrograms = (one) => stage.end(one);
    leavesNothing(() => ({ connect, runs }), { noted: () => entered.at(-1), end });
    test('nothing is left where its pod is gone', async () => {
      const upstream = await connect();
      const program = { type: 'exec', command: 'exec sleep 9960007' } as const;
      const channel = await upstream.open({ program, pty: null, env: [] });
      channel.stdout.resume();
      channel.stderr.resume();
      const one = entered.at(-1);
      if (!one?.pod) throw new Error('no pod was noted');
      expect(await end({ ...one, pod: { ...one.pod, name: 'none' } })).toBe('gone');
      expect(await end({ ...one, pod: { ...one.pod, container: 'none' } })).toBe('gone');
      upstream.close();
      await within('the channel ends', channel.exited);
    });
    marksEverything({
      docker: () => stage.docker,
      enter: (name, hears) => {
        const pod = `${name}-0`;
        stage.kubernetes.add({ namespace: 'shop', name: pod, containers: { web: name } });
        return stage.connect({ choice: { pod } }, stage.clusters, hears);
      },
      end,
    });
  });
  needs('bash').describe('with bash, by a certificate', () => {
    conforms(subject('large-0', 'large', 'certificate'), manners);
  });
});
