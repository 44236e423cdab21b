import { z } from '@hono/zod-openapi';
import {
  isClusterName,
  isLabelName,
  isPodName,
  isSelector,
  LABEL_RULE,
  POD_LOGIN,
  POD_RULE,
  type PodChoice,
  type PodPlace,
  SELECTOR_RULE,
} from '../domain/pod-place.ts';
import type { AskedReach, ReachNames } from './asked-reach.ts';
import { refuse } from './errors.ts';

/** How a machine of kind `kubernetes` is reached, beside its container and its shells. */
export const podFields = {
  cluster: z
    .string()
    .refine(isClusterName, 'must be the name of a context: 1 to 253 characters without spaces')
    .optional()
    .openapi({ description: "A context of the bastion's kubeconfig, or in-cluster" }),
  namespace: z.string().refine(isLabelName, `must be ${LABEL_RULE}`).optional(),
  pod: z.string().refine(isPodName, `must be ${POD_RULE}`).optional(),
  selector: z
    .record(z.string(), z.string())
    .refine(isSelector, `must be ${SELECTOR_RULE}`)
    .optional()
    .openapi({ description: 'Labels of the pod: the newest that is ready' }),
};

/** Throws `request.invalid` where something is missing, or too much. */
export function podPlaceOf(asked: AskedReach, { before }: ReachNames): PodPlace {
  const { cluster, namespace } = asked;
  return {
    cluster: cluster ?? refuse(`${before}cluster`, 'is missing'),
    namespace: namespace ?? refuse(`${before}namespace`, 'is missing'),
    choice: choiceOf(asked, before) ?? refuse(`${before}pod`, 'is missing, and so is selector'),
    container: containerOf(asked, before),
    shell: asked.shell ?? [],
  };
}

/** Undefined: nothing of it was asked for. Throws `request.invalid`. */
export function changedPodPlace(
  place: PodPlace | null | undefined,
  asked: AskedReach,
  { before }: ReachNames,
): PodPlace | undefined {
  if (!place) return undefined;
  const { cluster, namespace, pod, selector, container, shell } = asked;
  const all = [cluster, namespace, pod, selector, container, shell];
  if (all.every((one) => one === undefined)) return undefined;
  return {
    cluster: cluster ?? place.cluster,
    namespace: namespace ?? place.namespace,
    choice: choiceOf(asked, before) ?? place.choice,
    container: container === undefined ? place.container : containerOf(asked, before),
    shell: shell ?? place.shell,
  };
}

/** Undefined: neither was given. */
function choiceOf({ pod, selector }: AskedReach, before: string): PodChoice | undefined {
  if (pod !== undefined && selector !== undefined) {
    refuse(`${before}selector`, 'cannot stand beside pod');
  }
  if (pod !== undefined) return { pod };
  return selector === undefined ? undefined : { selector };
}

function containerOf({ container }: AskedReach, before: string): string | null {
  const name = container ?? null;
  if (name === null || (typeof name === 'string' && isLabelName(name))) return name;
  return refuse(`${before}container`, `must be the name of a container of the pod: ${LABEL_RULE}`);
}

/** The login of a machine. Throws `request.invalid`: only a pod's has not to be said. */
export function loginOf(
  kind: AskedReach['kind'],
  login: string | undefined,
  field: string,
): string {
  if (kind !== 'kubernetes') return login ?? refuse(field, 'is missing');
  if (login === undefined || login === POD_LOGIN) return POD_LOGIN;
  return refuse(
    field,
    `must be ${POD_LOGIN}, or left out: programs in a pod run as the user of their container`,
  );
}
