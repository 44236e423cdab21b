import type { ContainerEngines } from '../domain/container-engine.ts';
import type { EndPrograms } from '../domain/entered-container.ts';
import { ContainerPrograms } from './container-program.ts';
import { runSignals } from './container-signals.ts';
import { EngineContainer } from './docker-target.ts';

/** What takes no programs any more, and has none. */
const OVER: readonly string[] = ['created', 'exited', 'dead', 'removing'];

/** Ends what sessions have left in containers. */
export function leftProgramsEnder(engines: ContainerEngines): EndPrograms {
  return async ({ engine: address, containerId, login, mark }) => {
    const engine = engines.at(address);
    const found = await engine.find(containerId);
    if (found === null || OVER.includes(found.state)) return 'gone';
    const container = new EngineContainer(engine, found, login);
    const programs = new ContainerPrograms({ container, machine: found.name, shells: [] });
    const word = await runSignals(container, await programs.plainShell(), [mark, '', 'all']);
    return word.startsWith('none') ? 'none' : 'ended';
  };
}
