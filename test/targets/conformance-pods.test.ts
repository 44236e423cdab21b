import { afterAll, beforeAll } from 'vitest';
import { needs } from '../support/requirements.ts';
import { conforms } from './conformance.ts';
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
  needs('bash').describe('with bash, by a certificate', () => {
    conforms(subject('large-0', 'large', 'certificate'), manners);
  });
});
