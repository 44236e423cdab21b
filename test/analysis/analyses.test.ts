import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NodeAnalyses } from '../../src/analysis/analyses.ts';
import type { RecordingStart } from '../../src/domain/recording.ts';
import type { Session } from '../../src/domain/session.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { type Lab, lab, PTY, start } from '../recorder/lab.ts';
import { machine, session, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

const NODE = 'node-a';

/** A database and a recorder. */
interface AnalysisStage extends AsyncDisposable {
  readonly at: TestStore;
  readonly recorder: Lab;
  /** What reads recordings: for one test. */
  analyses(): NodeAnalyses & AsyncDisposable;
  /** A session's first channel being recorded. */
  record(more?: Partial<RecordingStart>): Promise<Recorded>;
}

interface Recorded {
  readonly session: Session;
  readonly key: string;
  write(text: string): void;
  error(text: string): void;
  /** Sealed, and noted. */
  end(status: number): Promise<void>;
}

async function openStage(): Promise<AnalysisStage> {
  const at = await testStore('embedded');
  const recorder = await lab();
  const { sessions, users, machines } = at.store;
  const ada = await users.create(user({ name: 'ada' }));
  const web1 = await machines.create(machine({ name: 'web1' }));
  return {
    ...{ at, recorder },
    analyses() {
      const analyses = new NodeAnalyses({
        ...{ store: at.store, node: NODE, root: recorder.root, log: recorder.log },
        library: openLibrary(recorder.root),
      });
      return Object.assign(analyses, { [Symbol.asyncDispose]: () => analyses.close() });
    },
    async record(more = {}) {
      const startedAt = new Date();
      const who = { userId: ada.id, machineId: web1.id, node: NODE, startedAt };
      const made = await sessions.create(session(who));
      const recording = await recorder.recorder.start(start({ sessionId: made.id, ...more }));
      const { key } = recording;
      await sessions.openRecording({ sessionId: made.id, channel: 1, key, startedAt });
      return {
        ...{ session: made, key },
        write: (text) => void recording.output(Buffer.from(text)),
        error: (text) => void recording.error(Buffer.from(text)),
        async end(code) {
          const receipt = await recording.end({ type: 'code', code });
          await sessions.closeRecording(made.id, 1, 'complete', receipt, new Date());
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      await at[Symbol.asyncDispose]();
    },
  };
}

/** Begun once: the database takes its time on a busy machine. */
let stage: AnalysisStage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

const ALL = { limit: 100, after: null };

async function stateOf(id: number, state: string): Promise<void> {
  await eventually(`the analysis is ${state}`, async () => {
    const [analysis] = await stage.at.store.analyses.ofSession(id);
    return analysis?.state === state;
  });
}

test('what a session does is there while it goes on, and the rest when it has ended', async () => {
  await using reading = stage.analyses();
  const { analyses, sessions } = stage.at.store;
  reading.begin();
  const recorded = await stage.record({ pty: PTY });
  const id = recorded.session.id;
  recorded.write('\u001b[?2004h\u001b]133;A\u0007$ \u001b]133;B\u0007');
  recorded.write('make\r\n\u001b[?2004l\r\u001b]133;C\u0007');
  const [first] = await eventually('the command', async () => {
    const found = await analyses.commands(id, ALL);
    return found.length > 0 ? found : null;
  });
  expect(first).toMatchObject({ text: 'make', end: null, source: 'osc133' });
  expect((await sessions.get(id))?.commandsCount).toBe(1);
  recorded.write('all done\r\n\u001b]133;D;2\u0007\u001b[?2004h$ ');
  await eventually('its end', async () => {
    const [command] = await analyses.commands(id, ALL);
    return command?.exitStatus === 2;
  });
  await recorded.end(0);
  await stateOf(id, 'done');
  const log = await analyses.log(id, { from: null, to: null, search: null }, ALL);
  expect(log.map(({ type, text }) => [type, text])).toEqual([
    ['command', 'make'],
    ['output', 'all done'],
  ]);
});

test('a program without a terminal is its command, with both outputs', async () => {
  await using reading = stage.analyses();
  const { analyses } = stage.at.store;
  const recorded = await stage.record({ pty: null, command: 'ls /nowhere' });
  recorded.write('some\n');
  recorded.error('no such directory\n');
  await recorded.end(2);
  reading.begin();
  const id = recorded.session.id;
  await stateOf(id, 'done');
  expect(await analyses.commands(id, ALL)).toMatchObject([
    { text: 'ls /nowhere', exitStatus: 2, source: 'exec', confidence: 'exact' },
  ]);
  const blocks = await analyses.blocks(id, 1, { from: 0, limit: 10 });
  expect(blocks.map(({ stream, text }) => [stream, text])).toEqual([
    ['stdout', 'some'],
    ['stderr', 'no such directory'],
  ]);
});

test('what is read again is the same, once', async () => {
  await using reading = stage.analyses();
  const { analyses } = stage.at.store;
  const recorded = await stage.record({ pty: null, command: 'true' });
  recorded.write('a line\n');
  await recorded.end(0);
  reading.begin();
  const id = recorded.session.id;
  await stateOf(id, 'done');
  const before = [
    await analyses.commands(id, ALL),
    await analyses.blocks(id, 1, { from: 0, limit: 10 }),
  ];
  expect(await analyses.again(id)).toBe(1);
  await stateOf(id, 'done');
  const after = [
    await analyses.commands(id, ALL),
    await analyses.blocks(id, 1, { from: 0, limit: 10 }),
  ];
  expect(after).toEqual(before);
});

test('one that cannot be read says so, and the next is read', async () => {
  await using reading = stage.analyses();
  const { analyses } = stage.at.store;
  const broken = await stage.record({ pty: null, command: 'one' });
  const gone = await stage.record({ pty: null, command: 'two' });
  const whole = await stage.record({ pty: null, command: 'three' });
  for (const one of [broken, gone, whole]) await one.end(0);
  writeFileSync(join(stage.recorder.root, broken.key), 'no recording at all\n');
  rmSync(join(stage.recorder.root, gone.key));
  reading.begin();
  await stateOf(broken.session.id, 'failed');
  await stateOf(gone.session.id, 'failed');
  await stateOf(whole.session.id, 'done');
  const [analysis] = await analyses.ofSession(broken.session.id);
  expect(analysis?.reason).toContain('damaged');
  const due = (await analyses.due(NODE, 100)).map(({ key }) => key);
  for (const { key } of [broken, gone, whole]) expect(due).not.toContain(key);
});
