import {
  type Document,
  jsonSchema,
  nameOfRef,
  type Schema,
  typesOf,
} from '../../scripts/open-api.ts';
import { type ExampleIds, withExamples } from './example-ids.ts';
import type { ServedOperation } from './operations.ts';

type Place = 'path' | 'query' | 'body';

/** One value that a request can have, anywhere in it. */
export interface Target {
  readonly operation: ServedOperation;
  readonly place: Place;
  /** As an answer names it: `terminal_size.cols`. */
  readonly field: string;
  readonly schema: Schema;
}

/** A request that says what it should, but for one value. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}

/** What stands where a value is to be put. */
const HOLE = '\u0000hole';

/** Every parameter and every field of every body, down to the leaves. */
export function targetsOf(document: Document, operations: readonly ServedOperation[]): Target[] {
  return operations.flatMap((operation) => {
    const parameters = (operation.operation.parameters ?? []).map(
      ({ in: place, name, schema = {} }): Target => ({
        ...{ operation, place: place as Place, field: name },
        schema: resolved(document, schema),
      }),
    );
    return [...parameters, ...bodyFields(document, operation)];
  });
}

function bodyFields(document: Document, operation: ServedOperation): Target[] {
  const schema = jsonSchema(operation.operation.requestBody?.content);
  if (schema === undefined) return [];
  return fieldsOf(document, schema, '').map(([field, leaf]) => {
    return { operation, place: 'body', field, schema: leaf };
  });
}

function fieldsOf(document: Document, schema: Schema, at: string): [string, Schema][] {
  const here = resolved(document, schema);
  const inner = Object.entries(here.properties ?? {}).flatMap(([name, value]) =>
    fieldsOf(document, value, at === '' ? name : `${at}.${name}`),
  );
  const items = here.items === undefined ? [] : fieldsOf(document, here.items, `${at}[0]`);
  const choices = (here.anyOf ?? here.oneOf ?? []).flatMap((one) => fieldsOf(document, one, at));
  const own: [string, Schema][] = at === '' ? [] : [[at, here]];
  return [...own, ...inner, ...items, ...choices.filter(([field]) => field !== at)];
}

function resolved(document: Document, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  return document.components.schemas[nameOfRef(schema.$ref)] ?? {};
}

/** The operation asked for with one value at the target: JSON in a body, text elsewhere. */
export function requestWith(
  document: Document,
  { operation, place, field }: Target,
  ids: ExampleIds,
  value: string,
): FuzzRequest {
  const own = place === 'path' ? { [`{${field}}`]: encodeURIComponent(value) } : {};
  const path = withExamples(operation.path, ids, own);
  const query =
    place === 'query' ? `?${encodeURIComponent(field)}=${encodeURIComponent(value)}` : '';
  const schema = jsonSchema(operation.operation.requestBody?.content);
  const body = schema === undefined ? null : bodyWith(document, schema, place, field, value);
  return { method: operation.method, path: path + query, body };
}

function bodyWith(document: Document, schema: Schema, place: Place, field: string, value: string) {
  const text = JSON.stringify(sample(document, schema, place === 'body' ? field : null, ''));
  return text.replace(JSON.stringify(HOLE), () => value);
}

/** A value that a schema may have, with the hole at `field`; what leads there is in it. */
function sample(document: Document, schema: Schema, field: string | null, at: string): unknown {
  if (field === at && at !== '') return HOLE;
  const here = resolved(document, schema);
  const leads = (path: string): boolean =>
    field !== null &&
    (field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`));
  const choices = here.anyOf ?? here.oneOf;
  if (choices !== undefined) {
    const found = choices.find((one) =>
      fieldsOf(document, one, at).some(([path]) => path === field),
    );
    return sample(document, found ?? choices[0] ?? {}, field, at);
  }
  if (here.const !== undefined) return here.const;
  if (here.enum !== undefined) return here.enum[0];
  const [type] = typesOf(here);
  if (type === 'object') return sampleObject(document, here, field, at, leads);
  if (type === 'array') {
    return leads(`${at}[0]`) || here.minItems === 1
      ? [sample(document, here.items ?? {}, field, `${at}[0]`)]
      : [];
  }
  return sampleLeaf(here, type);
}

function sampleObject(
  document: Document,
  schema: Schema,
  field: string | null,
  at: string,
  leads: (path: string) => boolean,
): unknown {
  const chosen = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const path = at === '' ? name : `${at}.${name}`;
    if (schema.required?.includes(name) !== true && !leads(path)) return [];
    return [[name, sample(document, value, field, path)] as const];
  });
  return Object.fromEntries(chosen);
}

function sampleLeaf(schema: Schema & { readonly example?: unknown }, type: string | undefined) {
  if (schema.example !== undefined) return schema.example;
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return false;
  return type === 'null' ? null : 'x';
}
