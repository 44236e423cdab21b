import { z } from '@hono/zod-openapi';
import { beforeAll, describe, expect, test } from 'vitest';
import { sayWhatFieldsMustBe } from '../../src/api/field-words.ts';

describe('what is wrong with a field', () => {
  beforeAll(sayWhatFieldsMustBe);

  test.each([
    ['is missing', z.object({ name: z.string() }), {}],
    ['must be a string', z.string(), 1],
    ['must be a whole number', z.int(), 1.5],
    ['must be one of admin, member', z.enum(['admin', 'member']), 'king'],
    ['must be yes', z.literal('yes'), 'no'],
    ['must have at least 1 character', z.string().min(1), ''],
    ['must have at most 2 entries', z.array(z.int()).max(2), [1, 2, 3]],
    ['must be at most 1000', z.int().max(1000), 1001],
    ['must be more than 0', z.number().gt(0), 0],
    ['has none of the forms that are possible here', z.union([z.string(), z.int()]), true],
    ['is told by its own schema', z.string().regex(/x/, 'is told by its own schema'), 'y'],
  ])('%s', (words, schema, value) => {
    const [issue] = schema.safeParse(value).error?.issues ?? [];
    expect(issue?.message).toBe(words);
  });
});
