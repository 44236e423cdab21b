import type { LiveEnd, LiveViewer } from '../domain/live.ts';
import { MAGIC } from './alis.ts';
import { type Packed, unpacked } from './messages.ts';

/** Bytes that may wait for one viewer; one who has more waiting is given the screen anew later. */
const MOST_WAITING = 1024 * 1024;

/** Bytes at which a viewer who was behind is given the screen. */
const FEW_WAITING = 64 * 1024;

/** One viewer of a stream: up to date, or waiting for the screen. */
class Seat {
  readonly #viewer: LiveViewer;
  readonly #look: () => void;
  #waiting = 0;
  #begun = false;
  #isBehind = true;
  #asked = false;

  constructor(viewer: LiveViewer, look: () => void) {
    this.#viewer = viewer;
    this.#look = look;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Asks for the screen, as soon as there is room for it. */
  catchUp(): void {
    if (!this.#isBehind || this.#asked || this.#waiting > FEW_WAITING) return;
    this.#asked = true;
    this.#look();
  }

  events(frames: Packed): void {
    if (this.#isBehind) return;
    if (this.#waiting > MOST_WAITING) this.#isBehind = true;
    else this.#send(frames);
  }

  screen(frames: Packed): void {
    this.#asked = false;
    if (this.#waiting > MOST_WAITING) {
      this.#isBehind = true;
      return;
    }
    this.#isBehind = false;
    this.#send(frames);
  }

  ended(how: LiveEnd, screen: Packed, last: Packed): void {
    if (this.#isBehind) this.#send(screen);
    this.#send(last);
    this.#viewer.ended(how);
  }

  failed(): void {
    this.#viewer.failed();
  }

  #send(frames: Packed): void {
    if (!this.#begun) this.#sendOne(MAGIC);
    this.#begun = true;
    for (const frame of unpacked(frames)) this.#sendOne(frame);
  }

  #sendOne(frame: Uint8Array): void {
    this.#waiting += frame.length;
    this.#viewer.send(frame, () => {
      this.#waiting -= frame.length;
      this.catchUp();
    });
  }
}

/** All viewers of one stream. `look`: the stream is to show its screen. */
export class Audience {
  readonly #look: () => void;
  readonly #seats = new Map<LiveViewer, Seat>();

  constructor(look: () => void) {
    this.#look = look;
  }

  get size(): number {
    return this.#seats.size;
  }

  enter(viewer: LiveViewer): void {
    const seat = new Seat(viewer, this.#look);
    this.#seats.set(viewer, seat);
    seat.catchUp();
  }

  leave(viewer: LiveViewer): boolean {
    return this.#seats.delete(viewer);
  }

  events(frames: Packed): void {
    for (const seat of this.#seats.values()) seat.events(frames);
  }

  screen(frames: Packed, all: boolean): void {
    for (const seat of this.#seats.values()) if (all || seat.isBehind) seat.screen(frames);
  }

  ended(how: LiveEnd, screen: Packed, last: Packed): void {
    for (const seat of this.#emptied()) seat.ended(how, screen, last);
  }

  failed(): void {
    for (const seat of this.#emptied()) seat.failed();
  }

  #emptied(): readonly Seat[] {
    const seats = [...this.#seats.values()];
    this.#seats.clear();
    return seats;
  }
}
