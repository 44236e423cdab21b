import { expect, test } from 'vitest';
import { ServiceContainers } from '../../src/control/service-containers.ts';
import { StackServices } from '../../src/control/stack-services.ts';
import { PosternError } from '../../src/domain/errors.ts';
import type { Stack } from '../../src/domain/stack.ts';
import { Engines } from '../../src/engine/engine.ts';
import * as example from '../store/examples.ts';
import { running, startTestEngine } from '../support/test-engine.ts';

test('a container that cannot be entered is none for a session, and it is said why', async () => {
  await using engine = await startTestEngine();
  engine.containers = running('shop', 'web');
  const now = new Date();
  const stack: Stack = {
    ...example.stack({ name: 'shop', project: 'shop', engine: engine.address, login: 'app' }),
    ...{ id: 1, uid: '0'.repeat(32), createdAt: now, updatedAt: now },
  };
  const tried: object[] = [];
  let fault: unknown = null;
  const services = new StackServices(new Engines({ certificates: null }));
  const containers = new ServiceContainers(services, (where) => {
    tried.push(where);
    return fault === null ? Promise.resolve() : Promise.reject(fault);
  });
  expect(await containers.entered(stack, 'web')).toMatchObject({ name: 'shop-web-1' });
  const containerId = engine.idOf('shop-web-1');
  const where = { machine: 'shop.web', engine: engine.address, containerId, login: 'app' };
  expect(tried).toEqual([where]);

  fault = new PosternError('machine.refused', { machine: 'shop.web', reason: 'no shell' });
  await expect(containers.entered(stack, 'web')).rejects.toMatchObject({
    code: 'stack.not_created',
    params: { detail: 'shop.web refused the request: no shell' },
  });
  fault = new TypeError('a bug');
  await expect(containers.entered(stack, 'web')).rejects.toMatchObject({
    code: 'stack.not_created',
    params: { detail: expect.not.stringContaining('a bug') },
  });
  // Who only asks which one it would be does not enter it.
  expect(await containers.chosen(stack, 'web')).toMatchObject({ name: 'shop-web-1' });
  await expect(containers.chosen(stack, 'db')).rejects.toMatchObject({ code: 'stack.service' });
});
