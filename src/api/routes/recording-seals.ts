import { z } from '@hono/zod-openapi';
import { PosternError } from '../../domain/errors.ts';
import { formatId } from '../../domain/ids.ts';
import {
  CONTRADICTIONS,
  type Contradiction,
  FINAL_STATES,
  type Verdict,
} from '../../domain/seal.ts';
import { type Api, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, json, success } from '../envelope.ts';
import { idOf, outId } from '../fields.ts';
import { guarded } from '../guard.ts';
import { noteOpening } from '../journal.ts';
import { wholeNumber } from '../paging.ts';
import { checkRecording } from '../recording-check.ts';
import { seenRecording } from '../recording-files.ts';
import { isRedacted } from '../recording-view.ts';

const of = {
  params: z.object({ id: idOf('sess') }),
  query: z.strictObject({
    channel: wholeNumber(1, 1_000_000)
      .optional()
      .openapi({ description: 'Without it: the first that has a recording' }),
  }),
};

const keySchema = z.object({ id: z.string(), public_key: z.string() }).openapi('SealingKey');

const keysRoute = guarded('signed-in', {
  method: 'get',
  path: '/v1/sealing-keys',
  summary: 'The public keys that recordings are sealed with (Ed25519, PEM), older ones first',
  request: { query: z.strictObject({ format: z.enum(['json', 'text']).default('json') }) },
  responses: {
    200: {
      description: 'The keys; with format=text one PEM behind the other',
      content: {
        ...json(enveloped(z.object({ sealing_keys: z.array(keySchema) })), '').content,
        'text/plain': { schema: z.string() },
      },
    },
  },
});

const sealSchema = z
  .object({ part: z.int(), end: z.int(), hash: z.string(), line: z.string() })
  .openapi('Seal');

const sealsRoute = guarded('recordings:read', {
  method: 'get',
  path: '/v1/sessions/{id}/recording/seals',
  summary: 'The seals of a recording as the database noted them, apart from its file',
  request: of,
  responses: {
    200: json(
      enveloped(
        z.object({
          session_id: outId('sess'),
          channel: z.int(),
          seals: z.array(sealSchema),
        }),
      ),
      'The seals, by part',
    ),
  },
});

const verdictSchema = z
  .object({
    session_id: outId('sess'),
    channel: z.int(),
    verdict: z.enum([...FINAL_STATES, 'open', 'locked', 'tampered']).openapi({
      description: 'locked: encrypted to others, so no more than its file was checked',
    }),
    parts: z.int().nullable().openapi({ description: 'Parts that are as they were sealed' }),
    unsealed: z.int().nullable().openapi({ description: 'Bytes that no seal covers' }),
    records: z
      .int()
      .nullable()
      .openapi({ description: 'Of the encrypted file, where it is locked' }),
    first_bad: z
      .object({
        part: z.int(),
        from: z.int(),
        to: z.int(),
        problem: z.enum(Object.keys(CONTRADICTIONS) as [Contradiction, ...Contradiction[]]),
        message: z.string(),
      })
      .nullable(),
  })
  .openapi('Verification');

const verifyRoute = guarded('recordings:read', {
  method: 'post',
  path: '/v1/sessions/{id}/recording/verification',
  summary: 'Checks a recording against its seals and the noted ones; what it finds is its state',
  request: of,
  responses: { 200: json(enveloped(verdictSchema), 'What was found') },
});

/** Null: nobody can say. */
function wholeParts(verdict: Verdict): number | null {
  if (verdict.state === 'locked') return null;
  return verdict.state === 'tampered' ? verdict.part - 1 : verdict.parts;
}

export function recordingSealRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(keysRoute, async (c) => {
    const keys = await deps.store.seals.keys();
    if (c.req.valid('query').format === 'text') {
      return c.text(keys.map(({ publicPem }) => publicPem).join(''), 200);
    }
    const sealing_keys = keys.map(({ id, publicPem }) => ({ id, public_key: publicPem }));
    return c.json(success({ sealing_keys }), 200);
  });

  api.openapi(sealsRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { channel } = c.req.valid('query');
    const { session, recording } = await seenRecording(deps, callerOf(c), id, channel);
    // With the hash of a part and all of it but a secret, guesses at that can be tried.
    if (isRedacted(callerOf(c), undefined)) throw new PosternError('redaction.raw');
    const type = 'seals.viewed';
    await noteOpening(deps, callerOf(c), { type, session, recording, part: false });
    const seals = await deps.store.seals.list(recording.id);
    const session_id = formatId('sess', id);
    return c.json(success({ session_id, channel: recording.channel, seals: [...seals] }), 200);
  });

  api.openapi(verifyRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { channel } = c.req.valid('query');
    const { recording, verdict } = await checkRecording(deps, callerOf(c), id, channel);
    const bad = verdict.state === 'tampered' ? verdict : null;
    return c.json(
      success({
        session_id: formatId('sess', id),
        channel: recording.channel,
        verdict: verdict.state,
        parts: wholeParts(verdict),
        unsealed: verdict.state === 'open' ? verdict.unsealed : null,
        records: verdict.state === 'locked' ? verdict.records : null,
        first_bad:
          bad === null
            ? null
            : {
                part: bad.part,
                from: bad.from,
                to: bad.to,
                problem: bad.problem,
                message: CONTRADICTIONS[bad.problem],
              },
      }),
      200,
    );
  });
}
