import { isMap } from 'yaml';
import {
  CONTAINER_RULE,
  isContainerName,
  isShell,
  MOST_SHELLS,
} from '../../domain/container-place.ts';
import { enginePlace } from '../../domain/engine-address.ts';
import { PosternError } from '../../domain/errors.ts';
import {
  isClusterName,
  isLabelName,
  isPodName,
  isSelector,
  LABEL_RULE,
  POD_RULE,
} from '../../domain/pod-place.ts';
import type { SetupRequestReach } from '../../domain/setup.ts';
import type { Entry, Fields, SetupReader, Shape } from './reader.ts';

type Docker = Extract<SetupRequestReach, { readonly kind: 'docker' }>;
type Kubernetes = Extract<SetupRequestReach, { readonly kind: 'kubernetes' }>;

const CHOICE: Shape = { known: ['stack', 'service'] };

export function readContainer(reader: SetupReader, entry: Entry, fields: Fields): Docker {
  const engine = reader.required(fields, 'engine', entry);
  return {
    kind: 'docker',
    engine: engine === undefined ? '' : readEngine(reader, engine),
    container: readChoice(reader, reader.required(fields, 'container', entry)),
    shell: readShells(reader, fields.get('shell')),
  };
}

/** The address of a container engine, whether it answers or not. */
export function readEngine(reader: SetupReader, entry: Entry): string {
  const address = reader.text(entry) ?? '';
  try {
    if (address !== '') enginePlace(address);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    reader.refuse(entry, error.message);
  }
  return address;
}

function readChoice(reader: SetupReader, entry: Entry | undefined): Docker['container'] {
  if (entry === undefined) return '';
  const name = (one: Entry | undefined): string =>
    one === undefined ? '' : reader.textThat(one, isContainerName, `is no name: ${CONTAINER_RULE}`);
  if (!isMap(entry.node)) return name(entry);
  const fields = reader.map(entry, CHOICE);
  const [stack, service] = (['stack', 'service'] as const).map((one) =>
    name(reader.required(fields, one, entry)),
  );
  return { stack: stack ?? '', service: service ?? '' };
}

export function readPod(reader: SetupReader, entry: Entry, fields: Fields): Kubernetes {
  const that = (one: Entry | undefined, accept: (text: string) => boolean, rule: string): string =>
    one === undefined ? '' : reader.textThat(one, accept, rule);
  const cluster = reader.required(fields, 'cluster', entry);
  const namespace = reader.required(fields, 'namespace', entry);
  const container = fields.get('container');
  return {
    kind: 'kubernetes',
    cluster: that(cluster, isClusterName, 'is no name of a context'),
    namespace: that(namespace, isLabelName, `is no namespace: ${LABEL_RULE}`),
    ...readPodChoice(reader, entry, fields),
    container:
      container === undefined ? null : that(container, isLabelName, `is no name: ${LABEL_RULE}`),
    shell: readShells(reader, fields.get('shell')),
  };
}

function readPodChoice(
  reader: SetupReader,
  entry: Entry,
  fields: Fields,
): Pick<Kubernetes, 'pod' | 'selector'> {
  const [pod, selector] = [fields.get('pod'), fields.get('selector')];
  if (selector === undefined) {
    const one = pod ?? reader.required(fields, 'pod', entry);
    return one === undefined
      ? {}
      : { pod: reader.textThat(one, isPodName, `is no name: ${POD_RULE}`) };
  }
  if (pod !== undefined) reader.refuse(selector, 'cannot stand beside pod');
  const labels = Object.fromEntries(
    reader.pairs(selector).map((one) => {
      const key = one.field.slice(selector.field.length + 1);
      return [key, reader.text(one) ?? ''];
    }),
  );
  if (!isSelector(labels)) reader.refuse(selector, 'has not the labels of a pod: { app: web }');
  return { selector: labels };
}

function readShells(reader: SetupReader, entry: Entry | undefined): readonly string[] {
  const shells = reader.list(entry);
  if (shells.length > MOST_SHELLS && shells[0] !== undefined) {
    reader.refuse(shells[0], `is one of more than ${MOST_SHELLS}`);
  }
  return shells.map((one) =>
    reader.textThat(one, isShell, 'is neither an absolute path nor the name of a shell'),
  );
}
