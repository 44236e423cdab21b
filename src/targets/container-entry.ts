import type { ContainerEngines } from '../domain/container-engine.ts';
import type { CheckEntry } from '../domain/container-session.ts';
import { PosternError } from '../domain/errors.ts';
import { runNothing } from './container-life.ts';
import { ContainerPrograms } from './container-program.ts';
import { EngineContainer } from './docker-target.ts';

/** Finds a shell in a container, and begins it as its users will. */
export function entryCheck(engines: ContainerEngines): CheckEntry {
  return async ({ machine, engine: address, containerId, login }) => {
    const engine = engines.at(address);
    const found = await engine.find(containerId);
    if (found === null) throw new PosternError('engine.no_container', { container: containerId });
    const container = new EngineContainer(engine, found, login);
    const shell = await new ContainerPrograms({ container, machine, shells: [] }).shell();
    try {
      await runNothing(container, shell);
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'engine.not_started') throw error;
      const reason = String(error.params['reason']);
      throw new PosternError('machine.refused', { machine, reason }, { cause: error });
    }
  };
}
