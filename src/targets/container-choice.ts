import { bestOf, type ContainerDetail, type ContainerEngine } from '../domain/container-engine.ts';
import {
  type ContainerPlace,
  containerText,
  SERVICE_LABEL,
  STACK_LABEL,
} from '../domain/container-place.ts';
import { PosternError } from '../domain/errors.ts';

/**
 * The running container that a machine stands for now. Throws PosternError `machine.unreachable`
 * when there is none.
 */
export async function chosenContainer(
  engine: ContainerEngine,
  machine: string,
  { choice }: ContainerPlace,
): Promise<ContainerDetail> {
  try {
    const name = 'name' in choice ? choice.name : await idOfBest(engine, choice);
    const found = name === null ? null : await engine.find(name);
    if (found?.state === 'running') return found;
    const there = found === null ? 'there is no container' : `${found.state} is the container`;
    throw unreachable(machine, `${there} ${containerText(choice)}`);
  } catch (error) {
    const known = error instanceof PosternError && error.code.startsWith('engine.');
    throw known ? unreachable(machine, error.message, error) : error;
  }
}

function unreachable(machine: string, reason: string, cause?: unknown): PosternError {
  return new PosternError('machine.unreachable', { machine, reason }, { cause });
}

async function idOfBest(
  engine: ContainerEngine,
  { stack, service, labels: by }: Extract<ContainerPlace['choice'], { readonly stack: string }>,
): Promise<string | null> {
  const labels = {
    [by?.stack ?? STACK_LABEL]: stack,
    [by?.service ?? SERVICE_LABEL]: service,
  };
  return bestOf(await engine.list({ labels }))?.id ?? null;
}
