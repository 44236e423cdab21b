/** Which pod a machine of kind `kubernetes` is: one of this name, or one that has these labels. */
export type PodChoice =
  | { readonly pod: string }
  /** As the selector of a Service: the newest that is ready, else the newest that runs. */
  | { readonly selector: Readonly<Record<string, string>> };

/** Where a pod is, and how one of its containers is entered. */
export interface PodPlace {
  /** A context of the kubeconfig, or IN_CLUSTER. */
  readonly cluster: string;
  readonly namespace: string;
  readonly choice: PodChoice;
  /** Null: the one that the pod's annotation names, else its first. */
  readonly container: string | null;
  /** As of ContainerPlace. */
  readonly shell: readonly string[];
}

/** The cluster that Postern itself runs in, by its pod's service account. */
export const IN_CLUSTER = 'in-cluster';

/**
 * The login of every pod: Kubernetes runs programs as the user that the container has, and has no way
 * to name another one.
 */
export const POD_LOGIN = 'container';

/** The most labels that a pod is chosen by. */
export const MOST_LABELS = 16;

/** What a context is called is free; clouds use whole paths. */
const CLUSTER = /^[^\s\p{Cc}]{1,253}$/u;

/** Labels of RFC 1123, and names made of them, as Kubernetes has its names. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** The name in a label's key, and its value. */
const WORD = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

export const LABEL_RULE = '1 to 63 lower-case letters, digits or "-"';
export const POD_RULE = '1 to 253 lower-case letters, digits, "-" or "."';
export const SELECTOR_RULE = 'labels as Kubernetes has them: {"app": "web"}';

export function isClusterName(text: string): boolean {
  return CLUSTER.test(text);
}

/** Of a namespace, and of a container in a pod. */
export function isLabelName(text: string): boolean {
  return LABEL.test(text);
}

export function isPodName(text: string): boolean {
  return text.length <= 253 && SUBDOMAIN.test(text);
}

/** One at least: all pods of a namespace are no machine. */
export function isSelector(labels: Readonly<Record<string, string>>): boolean {
  const all = Object.entries(labels);
  if (all.length === 0 || all.length > MOST_LABELS) return false;
  return all.every(([key, value]) => isLabelKey(key) && (value === '' || WORD.test(value)));
}

function isLabelKey(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  const [prefix] = parts;
  return parts.length <= 1 && WORD.test(name) && (prefix === undefined || isPodName(prefix));
}

/** As Kubernetes writes one: `app=web,tier=front`. */
export function selectorText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** For people: `shop/web-0`, `shop/app=web`. */
export function podText({ namespace, choice }: Pick<PodPlace, 'namespace' | 'choice'>): string {
  return `${namespace}/${'pod' in choice ? choice.pod : selectorText(choice.selector)}`;
}
