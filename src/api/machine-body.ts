import { z } from '@hono/zod-openapi';
import { login, machineName } from './fields.ts';
import {
  algorithmsField,
  authField,
  descriptionField,
  hostField,
  hostKeyField,
  hostKeyPolicyField,
  indexField,
  kindField,
  portField,
  recordInputField,
  recordingField,
  retentionField,
  shellIntegrationField,
  tagsField,
} from './machine-fields.ts';
import { containerField, engineField, shellField } from './machine-reach.ts';
import { podFields } from './pod-reach.ts';

/** All that a machine has besides its credential, with what it is where nothing is said. */
const settings = {
  name: machineName,
  kind: kindField.default('ssh'),
  username: login.optional(),
  tags: tagsField.default({}),
  description: descriptionField.default(''),
  recording: recordingField.default('required'),
  retention: retentionField.default(null),
  index: indexField.default(true),
  record_input: recordInputField.default(false),
  shell_integration: shellIntegrationField.default(null),
};

/** How it is reached: some of it for one kind, some for another, checked in machine-reach.ts. */
const reach = {
  host: hostField.optional(),
  port: portField.optional(),
  auth: authField.optional(),
  host_key: hostKeyField.nullable().optional(),
  host_key_policy: hostKeyPolicyField.optional(),
  algorithms: algorithmsField.optional(),
  jump_host: machineName.nullable().optional(),
  engine: engineField.optional(),
  container: containerField.nullable().optional(),
  shell: shellField.optional(),
  ...podFields,
};

/**
 * Also of a replacement. A secret cannot be read back to be put again, so that may leave it as it is;
 * and leaving out the pinned key does not unpin it.
 */
export const newMachineBody = z.strictObject({ ...settings, ...reach });

export const machineChangeBody = z.strictObject({
  name: machineName.optional(),
  kind: kindField.optional(),
  username: login.optional(),
  tags: tagsField.optional(),
  description: descriptionField.optional(),
  recording: recordingField.optional(),
  retention: retentionField.optional(),
  index: indexField.optional(),
  record_input: recordInputField.optional(),
  shell_integration: shellIntegrationField.optional(),
  ...reach,
});
