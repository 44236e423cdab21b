import { expect, test } from 'vitest';
import { incompatibilities } from '../../scripts/incompatibilities.ts';
import type { Document, Operation, Schema } from '../../scripts/open-api.ts';

const json = (schema: Schema) => ({ content: { 'application/json': { schema } } });

const body: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 100 },
    role: { type: 'string', enum: ['admin', 'member'] },
    size: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
  },
  required: ['name'],
};

const tags: Schema = { type: 'array', items: { type: 'string' } };

const answer: Schema = {
  type: 'object',
  properties: { id: { type: 'string' }, tags },
  required: ['id', 'tags'],
};

const base: Operation = {
  'x-postern-access': 'users:write',
  parameters: [
    { in: 'query', name: 'limit', required: false, schema: { type: 'integer', maximum: 100 } },
  ],
  requestBody: { required: true, ...json(body) },
  responses: { 200: { description: 'x', ...json({ $ref: '#/components/schemas/User' }) }, 409: {} },
};

function documentOf(operation: Operation, user: Schema = answer): Document {
  const paths = { '/v1/users': { post: operation } };
  return { openapi: '3.1.0', paths, components: { schemas: { User: user } } };
}

const withBody = (schema: Schema): Document =>
  documentOf({ ...base, requestBody: { required: true, ...json(schema) } });
const withField = (name: string, field: Schema): Document =>
  withBody({ ...body, properties: { ...body.properties, [name]: field } });
const withParameters = (...parameters: NonNullable<Operation['parameters']>): Document =>
  documentOf({ ...base, parameters });

const BROKEN: readonly (readonly [string, Document])[] = [
  ['removed operation', { ...documentOf(base), paths: {} }],
  ['demands admin instead of users:write', documentOf({ ...base, 'x-postern-access': 'admin' })],
  ['query parameter limit: removed', withParameters()],
  [
    'query parameter limit: required now',
    withParameters({ in: 'query', name: 'limit', required: true, schema: { type: 'integer' } }),
  ],
  [
    'query parameter limit: narrowed: maximum is 50',
    withParameters({ in: 'query', name: 'limit', schema: { type: 'integer', maximum: 50 } }),
  ],
  ['body.role: no longer takes member', withField('role', { type: 'string', enum: ['admin'] })],
  ['body.name: was string, is integer', withField('name', { type: 'integer' })],
  ['body.name: narrowed: maxLength is 10', withField('name', { type: 'string', maxLength: 10 })],
  ['body.size: narrowed: a form is no longer taken', withField('size', { type: 'integer' })],
  ['body.role: new required field', withBody({ ...body, required: ['name', 'role'] })],
  [
    'body.role: removed field',
    withBody({ ...body, properties: { name: { type: 'string' }, size: {} } }),
  ],
  [
    'answer 409: removed status',
    documentOf({ ...base, responses: { 200: base.responses[200] ?? {} } }),
  ],
  ['answer 200.id: may be missing now', documentOf(base, { ...answer, required: ['tags'] })],
  ['answer 200.id: removed field', documentOf(base, { type: 'object', properties: { tags } })],
  [
    'answer 200.id: was string, is string or null',
    documentOf(base, {
      ...answer,
      properties: { ...answer.properties, id: { type: ['string', 'null'] } },
    }),
  ],
  [
    'answer 200.tags[]: was string, is integer',
    documentOf(base, {
      ...answer,
      properties: { ...answer.properties, tags: { type: 'array', items: { type: 'integer' } } },
    }),
  ],
];

test.each(BROKEN)('%s', (line, after) => {
  expect(incompatibilities(documentOf(base), after)).toContain(`POST /v1/users: ${line}`);
});

const FINE: readonly (readonly [string, Document])[] = [
  ['nothing', documentOf(base)],
  ['a new operation', { ...documentOf(base), paths: { '/v1/users': { post: base, get: base } } }],
  ['a new optional field of a request', withField('email', { type: 'string' })],
  ['a new form of a field', withField('role', { type: 'string', enum: ['admin', 'member', 'x'] })],
  ['a wider bound', withField('name', { type: 'string', maxLength: 200 })],
  [
    'a new field of an answer',
    documentOf(base, { ...answer, properties: { ...answer.properties, at: { type: 'string' } } }),
  ],
  ['a new status', documentOf({ ...base, responses: { ...base.responses, 404: {} } })],
];

test.each(FINE)('%s breaks nobody', (_, after) => {
  expect(incompatibilities(documentOf(base), after)).toEqual([]);
});
