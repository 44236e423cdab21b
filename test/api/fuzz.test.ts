import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Document } from '../../scripts/open-api.ts';
import { type HttpServer, listenHttp } from '../../src/api/listen.ts';
import { environment } from '../support/environment.ts';
import { needs } from '../support/requirements.ts';
import { type TableDigest, tableDigest } from '../support/table-digest.ts';
import { type ExampleIds, exampleIds, withExamples } from './example-ids.ts';
import { FuzzClient, type RawAnswer } from './fuzz-client.ts';
import { type FuzzRequest, requestWith, type Target, targetsOf } from './fuzz-targets.ts';
import { badValues, STRANGE } from './fuzz-values.ts';
import { type History, openHistory } from './history.ts';
import { type ServedOperation, servedDocument, servedOperations } from './operations.ts';

/** Bad input to everything that the OpenAPI document has, over HTTP: refused by name, and without a trace. */

/** POSTERN_FUZZ_SEED tries others; the same one asks the same. */
const SEED = Number(environment.get('POSTERN_FUZZ_SEED') ?? 20_260_301);
const RUNS = Number(environment.get('POSTERN_FUZZ_RUNS') ?? 200);

// Thousands of requests, one after the other: only what is stuck takes as long.
vi.setConfig({ testTimeout: 600_000 });

const given = environment.has('POSTERN_TEST_PG_URL') ? { describe } : needs('postgres');

given.describe('bad input', () => {
  let history: History;
  let ids: ExampleIds;
  let document: Document;
  let operations: readonly ServedOperation[];
  let targets: readonly Target[];
  let server: HttpServer;
  let client: FuzzClient;
  let tables: TableDigest;

  beforeAll(async () => {
    history = await openHistory('postgres');
    ids = await exampleIds(history);
    document = await servedDocument(history.stage);
    operations = await servedOperations(history.stage);
    targets = targetsOf(document, operations);
    const { fetch } = history.stage.api;
    server = await listenHttp({ fetch, host: '127.0.0.1', port: 0 });
    client = new FuzzClient(server.port, history.admin);
    tables = await tableDigest(history.stage.place.databaseUrl);
  });

  afterAll(async () => {
    client[Symbol.dispose]();
    await server.close();
    await tables[Symbol.asyncDispose]();
    await history.stage.close();
  });

  interface Failure {
    readonly error?:
      | string
      | {
          readonly code?: string;
          readonly message?: string;
          readonly details?: readonly { readonly field: string }[];
        };
  }

  interface Plain {
    readonly details?: string;
  }

  /** Sessions of containers have the plain form of Cloud 66. */
  const plainComplaint = (details: string | undefined, field: string | null): string | null =>
    field === null || details?.includes(`${field} `) ? null : `says ${details}`;

  /** The engine of the stack in the examples is nowhere. */
  const isAway = ({ status, text }: RawAnswer): boolean =>
    status === 503 && text.includes('cannot reach the container engine');

  /** What is wrong with an answer that must refuse `field`; null: nothing. */
  function complaint(answer: RawAnswer, field: string | null, statuses = [400]): string | null {
    if (!statuses.includes(answer.status))
      return `status ${answer.status}: ${answer.text.slice(0, 300)}`;
    const { error, details } = JSON.parse(answer.text) as Failure & Plain;
    if (typeof error === 'string') return plainComplaint(details, field);
    if (error?.code !== 'BAD_REQUEST' || error.message === undefined)
      return `not in the envelope: ${answer.text}`;
    if (field === null) return null;
    const named = Array.isArray(error.details) ? error.details.map((one) => one.field) : [];
    // A union names what does not fit as a whole.
    const isNamed = named.some((one) => field === one || inside(field, one) || inside(one, field));
    return isNamed ? null : `names ${named.join(', ') || 'nothing'}`;
  }

  const inside = (field: string, outer: string): boolean =>
    field.startsWith(`${outer}.`) || field.startsWith(`${outer}[`);

  const shown = ({ method, path, body }: FuzzRequest): string =>
    `${method} ${path.slice(0, 200)} ${body?.slice(0, 200) ?? ''}`;

  interface Trial {
    readonly asked: FuzzRequest;
    readonly field: string | null;
    readonly what: string;
  }

  /** Sends all; each must be refused, and none may leave a trace. */
  async function refused(all: readonly Trial[]): Promise<void> {
    const before = await tables.digest();
    const wrong: string[] = [];
    for (const { asked, field, what } of all) {
      const found = complaint(await client.send(asked), field);
      if (found !== null) wrong.push(`${field} ${what}: ${found} | ${shown(asked)}`);
    }
    expect(wrong).toEqual([]);
    expect(await tables.digest()).toEqual(before);
  }

  test('every field that has what it cannot have is named, and nothing changes', async () => {
    const all = targets.flatMap((target) =>
      badValues(target).map(({ what, value }) => {
        const asked = requestWith(document, target, ids, value);
        return { asked, field: target.field, what };
      }),
    );
    expect(all.length).toBeGreaterThan(1000);
    await refused(all);
  });

  const isChecked = ({ operation }: Target): boolean => operation.access !== 'public';
  const withBody = (): ServedOperation[] =>
    operations.filter(({ operation }) => operation.requestBody !== undefined);
  const asked = ({ method, path }: ServedOperation, query: string, body: string | null) => {
    return { method, path: withExamples(path, ids) + query, body };
  };

  test('what is no parameter and no field is named, and nothing changes', async () => {
    const inQuery = operations
      .filter(({ access }) => access !== 'public')
      .map((one) => ({
        asked: asked(one, '?no_such=1', one.operation.requestBody ? '{}' : null),
        ...{ field: 'no_such', what: 'in the query' },
      }));
    const inBody = withBody().map((one) => {
      return { asked: asked(one, '', '{"no_such":1}'), field: 'no_such', what: 'in the body' };
    });
    await refused([...inQuery, ...inBody]);
  });

  test('what is said twice is named, and nothing changes', async () => {
    const twice = targets
      .filter((target) => target.place === 'query' && isChecked(target))
      .map(({ operation, field }) => {
        return { asked: asked(operation, `?${field}=1&${field}=2`, null), field, what: 'twice' };
      });
    expect(twice.length).toBeGreaterThan(50);
    await refused(twice);
  });

  test('a body that is no JSON, or no object, is refused, and nothing changes', async () => {
    const bodies = [
      '{"name":',
      '[]',
      '"x"',
      'null',
      '1',
      'NaN',
      '{} {}',
      '{"a":1,}',
      '['.repeat(50_000),
    ];
    await refused(
      withBody().flatMap((one) =>
        bodies.map((body) => ({ asked: asked(one, '', body), field: null, what: 'no JSON' })),
      ),
    );
  });

  test('a body of 100 MB is refused before it is read, and nothing changes', async () => {
    const before = await tables.digest();
    for (const one of withBody()) {
      const request = asked(one, '', null);
      const answer = await client.refusal(request, 100 * 1024 * 1024);
      expect([one.name, complaint(answer, null, [413])]).toEqual([one.name, null]);
    }
    expect(await tables.digest()).toEqual(before);
  });

  test('no text at all is more than text', async () => {
    const texts = fc.oneof(
      fc.constantFrom(...STRANGE),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    );
    const which = fc.nat(targets.length - 1);
    const property = fc.asyncProperty(which, texts, async (at, text) => {
      const target = targets[at];
      if (target === undefined) return;
      const value = target.place === 'body' ? JSON.stringify(text) : text.toWellFormed();
      const request = requestWith(document, target, ids, value);
      const before = await tables.digest();
      const answer = await client.send(request);
      expect(
        [shown(request), answer.status < 500 || isAway(answer)],
        answer.text.slice(0, 300),
      ).toEqual([shown(request), true]);
      if (answer.status < 400) return;
      expect(JSON.parse(answer.text)).toMatchObject(
        request.path.includes('/stacks')
          ? { error: /./, error_description: /./, details: /./ }
          : { success: false, error: { message: /./ } },
      );
      expect(await tables.digest()).toEqual(before);
    });
    await fc.assert(property, {
      seed: SEED,
      numRuns: RUNS,
      interruptAfterTimeLimit: 15_000,
      endOnFailure: true,
    });
  });
});
