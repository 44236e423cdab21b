import { expect, test } from 'vitest';
import { Meters } from '../../src/domain/meters.ts';

function figures(meters: Meters): Record<string, number> {
  return Object.fromEntries(
    meters.metrics.flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => [[name, ...Object.values(labels ?? {})].join(' '), value]),
    ),
  );
}

test('sessions count once at their beginning and once at their end, by kind and reason', () => {
  const meters = new Meters();
  meters.sessionStarted(1, 'shell');
  meters.sessionStarted(2, 'exec');
  const end = { id: 2, kind: 'exec', bytesIn: 1, bytesOut: 2 } as const;
  meters.sessionEnded(end, 'machine_unreachable');
  meters.sessionEnded(end, 'machine_unreachable');
  expect(figures(meters)).toMatchObject({
    'postern_sessions_started_total shell': 1,
    'postern_sessions_started_total exec': 1,
    'postern_sessions_ended_total exec machine_unreachable': 1,
    'postern_sessions_failed_total exec machine_unreachable': 1,
    'postern_session_bytes_total in': 1,
    'postern_session_bytes_total out': 2,
  });
});

test('bytes count as they go on, and never twice', () => {
  const meters = new Meters();
  meters.sessionStarted(1, 'shell');
  meters.sessionBytes(1, 10, 100);
  // Heartbeats may overtake each other.
  meters.sessionBytes(1, 30, 300);
  meters.sessionBytes(1, 20, 200);
  meters.sessionEnded({ id: 1, kind: 'shell', bytesIn: 31, bytesOut: 301 }, 'client_closed');
  meters.sessionBytes(1, 50, 500);
  expect(figures(meters)).toMatchObject({
    'postern_session_bytes_total in': 31,
    'postern_session_bytes_total out': 301,
  });
  expect(figures(meters)).not.toHaveProperty('postern_sessions_failed_total shell client_closed');
});

test('what has not happened yet is there as zero where its labels are known', () => {
  expect(figures(new Meters())).toMatchObject({
    'postern_recordings_failed_total required': 0,
    'postern_recordings_failed_total best_effort': 0,
    'postern_recordings_ended_total gap': 0,
    'postern_auth_failures_total ssh': 0,
    'postern_auth_failures_total console': 0,
    'postern_auth_failures_total api': 0,
  });
});
