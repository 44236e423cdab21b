import { expect, test } from 'vitest';
import { loadConfig, resolveConfig } from '../../src/config/load.ts';
import { describeConfig } from '../../src/config/print.ts';

/** Of age's documentation. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

test('recipients and identity are read, each recipient once, and shown as they are', () => {
  const { config, sources } = resolveConfig({
    POSTERN_RECORDING_RECIPIENTS: `${RECIPIENT}, ${RECIPIENT}`,
    POSTERN_RECORDING_IDENTITY: '/etc/postern/identity',
  });
  expect(config.recordingRecipients).toEqual([RECIPIENT]);
  expect(config.recordingIdentity).toBe('/etc/postern/identity');
  const row = describeConfig(config, sources).find(
    ({ setting }) => setting === 'POSTERN_RECORDING_RECIPIENTS',
  );
  expect(row?.value).toBe(RECIPIENT);
});

test('without them nothing is encrypted', () => {
  expect(loadConfig({})).toMatchObject({ recordingRecipients: null, recordingIdentity: null });
});

test.each(['age1me', ' , ', RECIPIENT.toUpperCase(), `${RECIPIENT.slice(0, -1)}q`])(
  'what is no recipient is refused at the start: %s',
  (text) => {
    expect(() => loadConfig({ POSTERN_RECORDING_RECIPIENTS: text })).toThrow(
      /POSTERN_RECORDING_RECIPIENTS.*write 1 to 20 public keys of age, age1…, as `age-keygen` prints them/s,
    );
  },
);
