import {
  type Document,
  jsonSchema,
  nameOfRef,
  type Operation,
  operationsOf,
  type Schema,
  typesOf,
} from './open-api.ts';

/** What a request may have, or what an answer has. */
type Way = 'in' | 'out';

/** Bounds of requests: to the smaller or to the larger is a narrowing. */
const UPPER = ['maximum', 'maxLength', 'maxItems'] as const;
const LOWER = ['minimum', 'minLength', 'minItems'] as const;

const DEEPEST = 30;

/**
 * What a client that was written for `before` may no longer rely on in `after`, a line each. New
 * operations, optional fields of requests, fields of answers and values of enumerations of answers
 * are no reason: clients have to be prepared for these.
 */
export function incompatibilities(before: Document, after: Document): readonly string[] {
  const now = operationsOf(after);
  return [...operationsOf(before)].flatMap(([name, old]) => {
    const operation = now.get(name);
    if (operation === undefined) return [`${name}: removed operation`];
    return new Comparison(before, after, name).operation(old, operation);
  });
}

class Comparison {
  readonly #before: Document;
  readonly #after: Document;
  readonly #name: string;
  readonly #found: string[] = [];

  constructor(before: Document, after: Document, name: string) {
    this.#before = before;
    this.#after = after;
    this.#name = name;
  }

  operation(old: Operation, now: Operation): readonly string[] {
    const [was, is] = [old['x-postern-access'], now['x-postern-access']];
    if (was !== is && is !== 'public') this.#say('', `demands ${is} instead of ${was}`);
    this.#parameters(old, now);
    this.#body(old, now);
    this.#answers(old, now);
    return this.#found;
  }

  #parameters(old: Operation, now: Operation): void {
    const [was, is] = [old.parameters ?? [], now.parameters ?? []];
    for (const one of was) {
      const same = is.find((other) => other.in === one.in && other.name === one.name);
      const at = `${one.in} parameter ${one.name}`;
      if (same === undefined) this.#say(at, 'removed');
      else this.#schema('in', one.schema, same.schema, at);
    }
    for (const one of is.filter(({ required }) => required === true)) {
      const same = was.find((other) => other.in === one.in && other.name === one.name);
      if (same?.required !== true) this.#say(`${one.in} parameter ${one.name}`, 'required now');
    }
  }

  #body(old: Operation, now: Operation): void {
    const [was, is] = [old.requestBody, now.requestBody];
    if (is?.required === true && was?.required !== true) this.#say('body', 'required now');
    for (const type of Object.keys(was?.content ?? {})) {
      if (is?.content[type] === undefined) this.#say('body', `removed media type ${type}`);
    }
    this.#schema('in', jsonSchema(was?.content), jsonSchema(is?.content), 'body');
  }

  #answers(old: Operation, now: Operation): void {
    for (const [status, was] of Object.entries(old.responses)) {
      const is = now.responses[status];
      const at = `answer ${status}`;
      if (is === undefined) {
        this.#say(at, 'removed status');
        continue;
      }
      for (const type of Object.keys(was.content ?? {})) {
        if (is.content?.[type] === undefined) this.#say(at, `removed media type ${type}`);
      }
      this.#schema('out', jsonSchema(was.content), jsonSchema(is.content), at);
    }
  }

  #schema(way: Way, was: Schema | undefined, is: Schema | undefined, at: string, depth = 0): void {
    if (was === undefined || is === undefined || depth > DEEPEST) return;
    const old = whole(this.#before, was);
    const now = whole(this.#after, is);
    const choices = [old, now].map((one) => one.anyOf ?? one.oneOf);
    if (choices.some((choice) => choice !== undefined)) {
      this.#choice(way, choices[0] ?? [old], choices[1] ?? [now], at);
      return;
    }
    this.#types(way, old, now, at);
    if (way === 'in') this.#bounds(old, now, at);
    this.#fields(way, old, now, at, depth);
    this.#schema(way, old.items, now.items, `${at}[]`, depth + 1);
    const [values, newValues] = [old.additionalProperties, now.additionalProperties];
    if (typeof values === 'object' && typeof newValues === 'object') {
      this.#schema(way, values, newValues, `${at}.*`, depth + 1);
    }
  }

  /** Each way of the narrower side needs one that takes it on the other. */
  #choice(way: Way, old: readonly Schema[], now: readonly Schema[], at: string): void {
    const fits = (a: Schema, b: Schema): boolean => {
      const alone = new Comparison(this.#before, this.#after, '');
      alone.#schema(way, a, b, '');
      return alone.#found.length === 0;
    };
    const lost =
      way === 'in'
        ? old.filter((one) => !now.some((other) => fits(one, other)))
        : now.filter((one) => !old.some((other) => fits(other, one)));
    if (lost.length === 0) return;
    this.#say(
      at,
      way === 'in' ? 'narrowed: a form is no longer taken' : 'has a form of its own now',
    );
  }

  #types(way: Way, old: Schema, now: Schema, at: string): void {
    const [was, is] = [typesOf(old), typesOf(now)];
    const [narrow, wide] = way === 'in' ? [was, is] : [is, was];
    const takes = (type: string): boolean =>
      wide.includes(type) || (type === 'integer' && wide.includes('number'));
    const fits = wide.length === 0 || (narrow.length > 0 && narrow.every(takes));
    const text = (types: readonly string[]) => types.join(' or ') || 'anything';
    if (!fits) this.#say(at, `was ${text(was)}, is ${text(is)}`);
  }

  #bounds(old: Schema, now: Schema, at: string): void {
    this.#values(old, now, at);
    for (const bound of UPPER) {
      const limit = now[bound] ?? Infinity;
      if (limit < (old[bound] ?? Infinity)) this.#narrowed(at, bound, limit);
    }
    for (const bound of LOWER) {
      const limit = now[bound] ?? -Infinity;
      if (limit > (old[bound] ?? -Infinity)) this.#narrowed(at, bound, limit);
    }
    for (const rule of ['pattern', 'format'] as const) {
      const { [rule]: is } = now;
      if (is !== undefined && is !== old[rule]) this.#narrowed(at, rule, is);
    }
  }

  #values(old: Schema, now: Schema, at: string): void {
    const [used, taken] = [old, now].map(
      (one) => one.enum ?? ('const' in one ? [one.const] : null),
    );
    if (!taken) return;
    if (!used) {
      this.#say(at, `narrowed to ${taken.join(', ')}`);
      return;
    }
    const lost = used.filter((value) => !taken.includes(value));
    if (lost.length > 0) this.#say(at, `no longer takes ${lost.join(', ')}`);
  }

  #narrowed(at: string, rule: string, to: string | number): void {
    this.#say(at, `narrowed: ${rule} is ${to}`);
  }

  #fields(way: Way, old: Schema, now: Schema, at: string, depth: number): void {
    for (const [name, value] of Object.entries(old.properties ?? {})) {
      const same = now.properties?.[name];
      if (same === undefined) this.#say(`${at}.${name}`, 'removed field');
      else this.#schema(way, value, same, `${at}.${name}`, depth + 1);
    }
    const [was, is] = [old.required ?? [], now.required ?? []];
    if (way === 'in') {
      const fresh = is.filter((name) => !was.includes(name));
      for (const name of fresh) this.#say(`${at}.${name}`, 'new required field');
      return;
    }
    const lost = was.filter((name) => !is.includes(name) && now.properties?.[name] !== undefined);
    for (const name of lost) this.#say(`${at}.${name}`, 'may be missing now');
  }

  #say(at: string, what: string): void {
    this.#found.push(`${this.#name}: ${at === '' ? '' : `${at}: `}${what}`);
  }
}

/** A schema with references and `allOf` put together. */
function whole(document: Document, schema: Schema): Schema {
  let here = schema;
  if (here.$ref !== undefined) here = document.components.schemas[nameOfRef(here.$ref)] ?? {};
  const { allOf, ...own } = here;
  if (allOf === undefined) return here;
  const parts = [...allOf.map((part) => whole(document, part)), own];
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map((part) => part.properties)),
    required: parts.flatMap((part) => part.required ?? []),
  };
}
