import { z } from '@hono/zod-openapi';
import { OVER_LIMIT_POLICIES } from '../domain/place.ts';
import { COMPOSE_LABELS, MOST_SESSIONS, type NewStack, STACK_KINDS } from '../domain/stack.ts';
import { login, machineName, text } from './fields.ts';
import { recordingField } from './machine-fields.ts';
import { engineField } from './machine-reach.ts';

const label = text(200).min(1);

/** A stack of `POST /v1/setup`: `SetupRequestStack` of domain/setup.ts, checked. */
export const setupStack = z
  .strictObject({
    name: machineName,
    kind: z.enum(STACK_KINDS).default('container'),
    engine: engineField.nullable(),
    project: label,
    stack_label: label.default(COMPOSE_LABELS.stack),
    service_label: label.default(COMPOSE_LABELS.service),
    login,
    recording: recordingField,
    session_limit: z.int().min(1).max(MOST_SESSIONS),
    over_limit: z.enum(OVER_LIMIT_POLICIES),
  })
  .superRefine(({ kind, engine }, context) => {
    if ((kind === 'container') === (engine !== null)) return;
    const message =
      kind === 'container' ? 'is needed' : 'cannot be given: a stack of kind server has none';
    context.addIssue({ code: 'custom', path: ['engine'], message });
  });

export function stackOf(asked: z.infer<typeof setupStack>): NewStack {
  return {
    name: asked.name,
    kind: asked.kind,
    engine: asked.engine,
    project: asked.project,
    stackLabel: asked.stack_label,
    serviceLabel: asked.service_label,
    login: asked.login,
    recording: asked.recording,
    sessionLimit: asked.session_limit,
    overLimit: asked.over_limit,
  };
}
