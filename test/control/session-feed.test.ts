import { afterEach, beforeEach, expect, test } from 'vitest';
import { SessionFeed } from '../../src/control/session-feed.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { Session } from '../../src/domain/session.ts';
import type { EventPlace, SessionEvent, SessionListener } from '../../src/domain/session-events.ts';
import type { Store } from '../../src/domain/store.ts';
import { keptLog } from '../ipc/kept-log.ts';
import * as example from '../store/examples.ts';
import { testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

/** Keeps what it was told. */
class Ear implements SessionListener {
  readonly heard: string[] = [];
  places: EventPlace[] = [];

  began(live: readonly Session[], at: EventPlace): void {
    this.heard.push(`began ${live.map(({ id }) => id).toSorted()}`);
    this.places.push(at);
  }

  happened({ type, session }: SessionEvent, at: EventPlace): void {
    this.heard.push(`${type} ${session.id} ${session.status}`);
    this.places.push(at);
  }

  async hears(...all: readonly string[]): Promise<void> {
    await eventually(`${all}`, () => all.every((one) => this.heard.includes(one)));
  }
}

let store: Store;
let changes: LocalChanges;
let feed: SessionFeed;
let close: () => Promise<void>;
let people: { readonly userId: number; readonly machineId: number };

beforeEach(async () => {
  const { store: opened, place } = await testStore('embedded');
  store = opened;
  changes = new LocalChanges();
  feed = new SessionFeed({ sessions: store.sessions, changes, log: keptLog().log });
  const user = await store.users.create(example.user({ name: 'alice' }));
  const machine = await store.machines.create(example.machine({ name: 'web1' }));
  people = { userId: user.id, machineId: machine.id };
  close = async () => {
    await feed.close();
    await store.close();
    await place[Symbol.asyncDispose]();
  };
});

afterEach(() => close());

const begin = () => store.sessions.create(example.session(people));

const end = (id: number) =>
  store.sessions.end(id, {
    ...{ endedAt: new Date(), reason: 'client_closed', bytesIn: 1, bytesOut: 2 },
  });

test('tells of the sessions that live, then of what happens to them', async () => {
  const first = await begin();
  const ear = new Ear();
  const leave = feed.subscribe(ear, null);
  await ear.hears(`began ${first.id}`);
  const second = await begin();
  changes.publish();
  await ear.hears(`started ${second.id} pending`);
  await store.sessions.activate(first.id, new Date());
  await ear.hears(`changed ${first.id} active`);
  await end(first.id);
  await ear.hears(`ended ${first.id} stopped`);
  expect(ear.heard).toHaveLength(4);
  leave();
});

test('misses no session that began and ended between two looks', async () => {
  const ear = new Ear();
  feed.subscribe(ear, null);
  await ear.hears('began ');
  const ids: number[] = [];
  for (let made = 0; made < 5; made += 1) {
    const { id } = await begin();
    await end(id);
    ids.push(id);
  }
  changes.publish();
  await ear.hears(...ids.flatMap((id) => [`ended ${id} stopped`]));
  for (const id of ids) {
    const own = ear.heard.filter((one) => one.split(' ')[1] === String(id));
    expect(own.map((one) => one.split(' ')[0])).toEqual(['started', 'ended']);
  }
});

test('who comes back goes on where they were; who was elsewhere begins anew', async () => {
  const ear = new Ear();
  const leave = feed.subscribe(ear, null);
  await ear.hears('began ');
  const place = ear.places[0] ?? null;
  leave();
  const other = new Ear();
  feed.subscribe(other, null);
  const { id } = await begin();
  await other.hears(`started ${id} pending`);
  const back = new Ear();
  feed.subscribe(back, place);
  await back.hears(`started ${id} pending`);
  expect(back.heard).toHaveLength(1);
  expect(back.places.at(-1)).toEqual(other.places.at(-1));
  const stranger = new Ear();
  feed.subscribe(stranger, { feed: 'another', number: 0 });
  await stranger.hears(`began ${id}`);
  const late = new Ear();
  feed.subscribe(late, { feed: place?.feed ?? '', number: 99_999 });
  await late.hears(`began ${id}`);
});

test('takes a bound of listeners', async () => {
  for (let made = 0; made < 200; made += 1) feed.subscribe(new Ear(), null);
  expect(() => feed.subscribe(new Ear(), null)).toThrow('too many listen');
});
