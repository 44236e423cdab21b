import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { formatId } from '../../domain/ids.ts';
import { type Api, type ApiEnv, callerOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enveloped, failureSchema, json, success } from '../envelope.ts';
import { body, idOf, isoTime, login, outId, outTime, text } from '../fields.ts';
import { guarded } from '../guard.ts';
import { terminalSize, windowOf } from '../terminal-messages.ts';
import { attachTerminal, type MadeTerminal, openTerminal, tryMachine } from '../terminals.ts';

const DEFAULT_SIZE = { cols: 80, rows: 24 };

const ways = {
  login: login.optional().openapi({ description: "Without it: the machine's default" }),
  code: text(64).min(1).optional().openapi({
    description: 'A verification code, where a grant demands a second factor',
  }),
};

const size = terminalSize.default(DEFAULT_SIZE);
const createFields = z.strictObject({ machine_id: idOf('mch'), terminal_size: size, ...ways });
const connectFields = z.strictObject({ terminal_size: terminalSize.optional(), ...ways });
const tryFields = z.strictObject(ways);

/** A JSON body that may be left out. */
function mayBe<T extends z.ZodType>(schema: T) {
  return { body: { required: false, content: { 'application/json': { schema } } } } as const;
}

const madeSchema = z
  .object({
    session_id: outId('sess'),
    websocket_url: z.string().openapi({ example: 'wss://bastion.example/v1/sessions/sess_12/ws' }),
    token: z.string().openapi({ description: 'For the first message of the WebSocket; good once' }),
    expires_at: outTime,
  })
  .openapi('NewTerminal');

const trialSchema = z
  .object({
    connected: z.boolean(),
    latency_ms: z.number().openapi({ description: 'From dialling to the log-in, or the failure' }),
    server_info: z.object({ host: z.string(), port: z.int(), login: z.string() }),
    host_key: z.string().nullable().openapi({ description: 'The one that is pinned' }),
    session_id: outId('sess'),
    message: z.string().nullable().openapi({ description: 'Why it did not connect' }),
  })
  .openapi('MachineTrial');

const REFUSED = {
  403: json(failureSchema, 'No grant allows it, or a verification code is needed'),
  404: json(failureSchema, 'No such machine, or none that the caller may reach'),
  409: json(failureSchema, 'It waits for an approval: ask again once that is decided'),
} as const;

const createRoute = guarded('sessions:write', {
  method: 'post',
  path: '/v1/sessions',
  summary: 'Begins a session whose terminal is a WebSocket',
  description:
    'The machine is dialled meanwhile: where that fails, the session becomes failed, and the WebSocket says why. A session that nobody opens within five minutes ends.',
  request: body(createFields),
  responses: { 201: json(enveloped(madeSchema), 'The session has begun'), ...REFUSED },
});

const connectRoute = guarded('sessions:write', {
  method: 'post',
  path: '/v1/machines/{id}/connect',
  summary: 'The same, for a machine',
  request: { params: z.object({ id: idOf('mch') }), ...mayBe(connectFields) },
  responses: { 201: json(enveloped(madeSchema), 'The session has begun'), ...REFUSED },
});

const tryRoute = guarded('sessions:write', {
  method: 'post',
  path: '/v1/machines/{id}/test',
  summary: 'Logs in to a machine as the caller would, and leaves: a session of its own',
  request: { params: z.object({ id: idOf('mch') }), ...mayBe(tryFields) },
  responses: { 200: json(enveloped(trialSchema), 'What became of it'), ...REFUSED },
});

const socketRoute = guarded('public', {
  method: 'get',
  path: '/v1/sessions/{id}/ws',
  summary: "A session's terminal: a WebSocket of JSON messages",
  description:
    'The first message is {"type":"auth","token":…}, within 5 s. Then input, resize and ping; output, error, disconnect and pong come back.',
  request: { params: z.object({ id: idOf('sess') }) },
  responses: {
    101: { description: 'The WebSocket is open' },
    403: json(failureSchema, "Another site's page asks"),
    426: json(failureSchema, 'The request is not one for a WebSocket'),
  },
});

function madeView({ sessionId, url, token, expiresAt }: MadeTerminal) {
  return success({
    session_id: formatId('sess', sessionId),
    websocket_url: url,
    token,
    expires_at: isoTime(expiresAt),
  });
}

interface Ways {
  readonly login?: string | undefined;
  readonly code?: string | undefined;
}

function askedOf(c: Context<ApiEnv>, machineId: number, given: Ways) {
  const client = c.req.header('user-agent') ?? '';
  return { machineId, client, login: given.login ?? null, code: given.code ?? null };
}

export function terminalRoutes(api: Api, deps: ApiDeps): void {
  api.openapi(createRoute, async (c) => {
    const { machine_id, terminal_size, ...given } = c.req.valid('json');
    const asked = askedOf(c, machine_id, given);
    const made = await openTerminal(deps, callerOf(c), asked, windowOf(terminal_size));
    return c.json(madeView(made), 201);
  });

  api.openapi(connectRoute, async (c) => {
    const { terminal_size = DEFAULT_SIZE, ...given } = c.req.valid('json');
    const asked = askedOf(c, c.req.valid('param').id, given);
    const made = await openTerminal(deps, callerOf(c), asked, windowOf(terminal_size));
    return c.json(madeView(made), 201);
  });

  api.openapi(tryRoute, async (c) => {
    const asked = askedOf(c, c.req.valid('param').id, c.req.valid('json'));
    const { trial, machine } = await tryMachine(deps, callerOf(c), asked);
    const { host = '', port = 0 } = machine ?? {};
    return c.json(
      success({
        connected: trial.connected,
        latency_ms: Math.round(trial.milliseconds * 10) / 10,
        server_info: { host, port, login: asked.login ?? machine?.login ?? '' },
        host_key: machine?.hostKey ?? null,
        session_id: formatId('sess', trial.sessionId),
        message: trial.connected ? null : trial.problem,
      }),
      200,
    );
  });

  api.openapi(socketRoute, (c) => attachTerminal(deps, c, c.req.valid('param').id));
}
