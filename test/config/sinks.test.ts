import { expect, test } from 'vitest';
import { resolveConfig } from '../../src/config/load.ts';

test('a bucket for seals wants the keys of its store', () => {
  const sink = 's3://seals/of?endpoint=https://s3.example&region=eu-1';
  expect(() => resolveConfig({ POSTERN_SEAL_SINKS: sink })).toThrow(
    /AWS_ACCESS_KEY_ID[\s\S]*POSTERN_SEAL_SINKS is in[\s\S]*AWS_SECRET_ACCESS_KEY/,
  );
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'of-the-store' };
  const { config } = resolveConfig({ POSTERN_SEAL_SINKS: sink, ...keys });
  expect(config.sealSinks).toMatchObject([
    { type: 'bucket', place: { bucket: 'seals', prefix: 'of/', region: 'eu-1' } },
  ]);
});
