import { parentPort, workerData } from 'node:worker_threads';
import { ClusterFailure, unreachable } from './failure.ts';
import { accessOf, clusterConfig } from './kubeconfig.ts';
import { listPods, readPod } from './pods.ts';
import type { Answer, Answers, LibrarySettings, Question } from './questions.ts';

/** The thread that has the library. Started by thread.ts. */

const settings = workerData as LibrarySettings;
const post = (answer: Answer): void => parentPort?.postMessage(answer);

async function answer({ cluster, asked }: Question): Promise<Answers[keyof Answers]> {
  const config = clusterConfig(cluster, settings);
  switch (asked.what) {
    case 'access':
      return await accessOf(config);
    case 'pod':
      return await readPod(config, asked.namespace, asked.name);
    case 'pods':
      return await listPods(config, asked.namespace, asked.selector);
    default:
      return asked satisfies never;
  }
}

parentPort?.on('message', (question: Question) => {
  const { id } = question;
  answer(question).then(
    (value) => post({ id, value }),
    (error: unknown) => {
      const failure = error instanceof ClusterFailure ? error : unreachable(error);
      const { kind: failed, message: reason, detail } = failure;
      post({ id, failed, reason, detail });
    },
  );
});
