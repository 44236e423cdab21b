import type { Machine } from '../../src/domain/machine.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import type { DatabaseKind } from '../support/database.ts';
import {
  addMachine,
  addRecording,
  addSession,
  addUser,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

/** A stage on which ada has had a session with two channels, and has another one now. */
export interface History {
  readonly stage: Stage;
  readonly admin: string;
  readonly ada: User;
  /** Of bob, a member, who has nothing to do with it. */
  readonly bobToken: string;
  readonly web1: Machine;
  readonly live: Session;
  readonly ended: Session;
  /** When the ended one began; the live one began a minute later. */
  readonly start: Date;
}

const MINUTE = 60_000;

export async function openHistory(kind: DatabaseKind = 'embedded'): Promise<History> {
  const start = new Date(Date.now() - 10 * MINUTE);
  const stage = await openStage(kind);
  const admin = await tokenFor(stage, null, ['admin']);
  const ada = await addUser(stage, 'ada');
  const bob = await addUser(stage, 'bob');
  const bobToken = await tokenFor(stage, bob, [
    'sessions:read',
    'sessions:write',
    'recordings:read',
  ]);
  const web1 = await addMachine(stage, 'web1');
  const ended = await addEnded(stage, ada, web1, start);
  const live = await addSession(stage, ada, web1, {
    startedAt: new Date(start.getTime() + MINUTE),
  });
  await stage.store.sessions.activate(live.id, new Date());
  await stage.counters.rebuild();
  return { stage, admin, ada, bobToken, web1, live, ended, start };
}

async function addEnded(stage: Stage, ada: User, web1: Machine, start: Date): Promise<Session> {
  const { sessions } = stage.store;
  const ended = await addSession(stage, ada, web1, {
    startedAt: start,
    kind: 'exec',
    userEmail: ada.email,
  });
  await addRecording(stage, ended, 1, {
    command: 'ls -la',
    outputs: ['\u001b[31mtotal\u001b[0m 42\n', 'drwxr-xr-x 5 über\r\n'],
    pty: false,
  });
  await addRecording(stage, ended, 2, { outputs: ['second channel\r\n'] });
  await sessions.activate(ended.id, start);
  await sessions.end(ended.id, {
    endedAt: new Date(start.getTime() + 5 * MINUTE),
    reason: 'client_closed',
    bytesIn: 10,
    bytesOut: 20,
  });
  return ended;
}
