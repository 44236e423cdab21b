import { expect, test } from 'vitest';
import { Engines } from '../../src/engine/engine.ts';
import { entryCheck } from '../../src/targets/container-entry.ts';
import type { TestDocker } from '../support/docker.ts';
import { APP } from '../support/image-root.ts';
import { enter } from './container-subject.ts';

/** Containers that nobody enters: on the way in, and when somebody is to be promised it. `small` and `large` run. */
export function keepsOut(docker: () => TestDocker): void {
  const SHELL = { program: { type: 'shell' }, pty: null, env: [] } as const;
  const refused = (text: RegExp) => ({
    code: 'machine.refused',
    message: expect.stringMatching(text),
  });
  const noShell = refused(/its image has no shell \(bash, sh\)/);
  const nobody = refused(/unable to find user stranger/);

  test('without any shell says so, and so does one without such a user', async () => {
    await docker().run('bare', { image: 'distroless' });
    const bare = await enter(docker(), { name: 'bare' });
    await expect(bare.open(SHELL)).rejects.toMatchObject(noShell);
    const stranger = await enter(docker(), { name: 'small' }, { login: 'stranger' });
    await expect(stranger.open(SHELL)).rejects.toMatchObject(nobody);
    for (const one of [bare, stranger]) one.close();
  });

  test('is tried before a session of it is promised', async () => {
    await docker().run('bare', { image: 'distroless' });
    const check = entryCheck(new Engines({ certificates: null }));
    const tried = async (machine: string, login: string): Promise<void> => {
      const containerId = await docker().cli('inspect', '--format', '{{.Id}}', machine);
      await check({ machine, engine: docker().address, containerId, login });
    };
    await tried('large', APP.name);
    await expect(tried('bare', 'root')).rejects.toMatchObject(noShell);
    await expect(tried('small', 'stranger')).rejects.toMatchObject(nobody);
  });
}
