import type { Clusters } from '../domain/cluster.ts';
import type { ContainerEngines } from '../domain/container-engine.ts';
import type { EndPrograms, EnteredContainer, EnteredPod } from '../domain/entered-container.ts';
import type { RunningContainer } from '../domain/running-container.ts';
import { ContainerPrograms } from './container-program.ts';
import { runSignals } from './container-signals.ts';
import { EngineContainer } from './docker-target.ts';
import { PodContainer } from './pod-target.ts';

/** What takes no programs any more, and has none. */
const OVER: readonly string[] = ['created', 'exited', 'dead', 'removing'];

interface LeftProgramsParts {
  readonly engines: ContainerEngines;
  readonly clusters: Clusters;
}

/** Ends what sessions have left in containers. */
export function leftProgramsEnder({ engines, clusters }: LeftProgramsParts): EndPrograms {
  return async (entered) => {
    const { pod, mark } = entered;
    const container = await (pod === null
      ? ofEngine(engines, entered)
      : ofPod(clusters, entered, pod));
    if (container === null) return 'gone';
    const programs = new ContainerPrograms({ container, machine: container.name, shells: [] });
    const word = await runSignals(container, await programs.plainShell(), [mark, '', 'all']);
    return word.startsWith('none') ? 'none' : 'ended';
  };
}

/** Null: it does not run, and nothing in it. */
async function ofEngine(
  engines: ContainerEngines,
  { engine: address, containerId, login }: EnteredContainer,
): Promise<RunningContainer | null> {
  const engine = engines.at(address);
  const found = await engine.find(containerId);
  if (found === null || OVER.includes(found.state)) return null;
  return new EngineContainer(engine, found, login);
}

/** Null: it does not run any more, also where its pod, or one of its name, has started another one. */
async function ofPod(
  clusters: Clusters,
  { engine, containerId }: EnteredContainer,
  { namespace, name, container }: EnteredPod,
): Promise<RunningContainer | null> {
  const cluster = clusters.at(engine);
  const pod = await cluster.pod(namespace, name);
  const found = pod?.containers.find((one) => one.name === container);
  if (!pod || found?.id !== containerId || !found.running) return null;
  return new PodContainer(cluster, namespace, { pod, container: found });
}
