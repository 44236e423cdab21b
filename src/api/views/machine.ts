import { z } from '@hono/zod-openapi';
import { formatId } from '../../domain/ids.ts';
import {
  AUTH_TYPES,
  HOST_KEY_POLICIES,
  MACHINE_ALGORITHMS,
  MACHINE_KINDS,
  type Machine,
} from '../../domain/machine.ts';
import { RECORDING_POLICIES } from '../../domain/recording.ts';
import { MARKED_SHELLS } from '../../domain/shell-integration.ts';
import { seesEverything, type Viewer } from '../../domain/visibility.ts';
import { isoTime, isoTimeOrNull, outId, outTime } from '../fields.ts';

/** `connected`: a session is on it now; `idle`: it was reached before; `unused`: never yet. */
export const MACHINE_STATUSES = ['connected', 'idle', 'unused'] as const;
export type MachineStatus = (typeof MACHINE_STATUSES)[number];

const FOR_ADMINS = 'Null for who is no administrator, too';

export const machineSchema = z
  .object({
    id: outId('mch'),
    name: z.string(),
    kind: z.enum(MACHINE_KINDS),
    host: z.string(),
    port: z.int(),
    engine: z.string().nullable().openapi({ description: FOR_ADMINS }),
    container: z
      .union([z.string(), z.object({ stack: z.string(), service: z.string() })])
      .nullable(),
    shell: z.array(z.string()),
    cluster: z.string().nullable().openapi({ description: FOR_ADMINS }),
    namespace: z.string().nullable(),
    pod: z.string().nullable(),
    selector: z.record(z.string(), z.string()).nullable(),
    username: z.string(),
    auth_type: z.enum(AUTH_TYPES),
    tags: z.record(z.string(), z.string()),
    description: z.string(),
    jump_host: z.string().nullable(),
    status: z.enum(MACHINE_STATUSES),
    recording: z.enum(RECORDING_POLICIES),
    retention: z.int().nullable(),
    index: z.boolean(),
    record_input: z.boolean(),
    shell_integration: z.enum(MARKED_SHELLS).nullable(),
    host_key: z.string().nullable(),
    host_key_policy: z.enum(HOST_KEY_POLICIES),
    algorithms: z.enum(MACHINE_ALGORITHMS),
    last_connected: outTime.nullable(),
    created_at: outTime,
    updated_at: outTime,
  })
  .openapi('Machine');

export function machineStatus(machine: Machine, connected: ReadonlySet<number>): MachineStatus {
  if (connected.has(machine.id)) return 'connected';
  return machine.lastConnectedAt === null ? 'unused' : 'idle';
}

const NO_CONTAINER = { engine: null, container: null, shell: [] };
const NO_POD = { cluster: null, namespace: null, pod: null, selector: null };

/** As it was asked for. */
function placeView({ container: place, pod }: Machine) {
  if (pod) {
    const { cluster, namespace, choice, container, shell } = pod;
    const chosen = { ...NO_POD, cluster, namespace, ...choice };
    return { engine: null, container, shell: [...shell], ...chosen };
  }
  if (place === null) return { ...NO_CONTAINER, ...NO_POD };
  const { engine, choice, shell } = place;
  const container = 'name' in choice ? choice.name : choice;
  return { engine, container, shell: [...shell], ...NO_POD };
}

/** Where engines and clusters are is their administrators' business. */
export function machineView(
  machine: Machine,
  connected: ReadonlySet<number>,
  viewer: Viewer,
): z.infer<typeof machineSchema> {
  return {
    id: formatId('mch', machine.id),
    name: machine.name,
    kind: machine.kind,
    host: machine.host,
    port: machine.port,
    ...placeView(machine),
    ...(!seesEverything(viewer) && { engine: null, cluster: null }),
    username: machine.login,
    auth_type: machine.authType,
    tags: machine.tags,
    description: machine.description,
    jump_host: machine.jump,
    status: machineStatus(machine, connected),
    recording: machine.recording,
    retention: machine.retention,
    index: machine.indexed,
    record_input: machine.recordInput,
    shell_integration: machine.shellIntegration ?? null,
    host_key: machine.hostKey,
    host_key_policy: machine.hostKeyPolicy,
    algorithms: machine.algorithms,
    last_connected: isoTimeOrNull(machine.lastConnectedAt),
    created_at: isoTime(machine.createdAt),
    updated_at: isoTime(machine.updatedAt),
  };
}
