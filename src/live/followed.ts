import type { CastEvent } from '../domain/recording.ts';
import { sizeOf } from '../domain/terminal-size.ts';
import type { GrowingCast } from '../recorder/growing-cast.ts';
import type { RuleSet } from '../redact/rule-set.ts';
import { AlisStream } from './alis.ts';
import { type FromWorker, packed } from './messages.ts';
import { RedactedScreen } from './redacted-screen.ts';
import { type LiveScreen, Screen } from './screen.ts';

/** Milliseconds between looks for more, while there is no more. */
const LOOK_MS = 15;

/** Bytes of the file that may wait to be shown; beyond it the stream goes on near the file's end. */
const MOST_BEHIND = 8 * 1024 * 1024;

/** Bytes of the file that are shown of it then: many screens full, as every program paints anew. */
const FROM_END = 1024 * 1024;

/** Batches on their way to the viewers; each is of about 256 KB. */
const MOST_UNTAKEN = 4;

/** Milliseconds at least from one screen to the next, for viewers who are sent screens alone. */
const SCREEN_MS = 50;

/** Microseconds of output that go in one frame. */
const ONE_FRAME = 10_000;

type Message = FromWorker extends infer One
  ? One extends FromWorker
    ? Omit<One, 'stream'>
    : never
  : never;

export type Post = (message: Message) => void;

function micros({ at }: CastEvent): number {
  return Math.round(at * 1_000_000);
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

/** One recording that somebody follows. */
export class FollowedRecording {
  readonly #post: Post;
  readonly #cast: GrowingCast;
  /** Null: its viewers may see all of it. */
  readonly #rules: RuleSet | null;
  #screen: LiveScreen;
  readonly #alis = new AlisStream(0);
  /** Bytes at the beginning that were passed over. */
  #skipped = 0;
  #untaken = 0;
  #looks = false;
  #finishing = false;
  #dropped = false;
  /** The screen has changed since it was sent, to viewers who are sent screens alone. */
  #isStale = false;
  /** When it may be sent again. */
  #nextScreen = 0;
  #wake: () => void = () => undefined;

  constructor(cast: GrowingCast, post: Post, rules: RuleSet | null) {
    this.#cast = cast;
    this.#post = post;
    this.#rules = rules;
    this.#screen = this.#newScreen(cast.header.cols, cast.header.rows);
  }

  #newScreen(cols: number, rows: number): LiveScreen {
    return this.#rules === null
      ? new Screen(cols, rows)
      : new RedactedScreen(cols, rows, this.#rules);
  }

  look(): void {
    this.#looks = true;
    this.#wake();
  }

  taken(): void {
    this.#untaken -= 1;
    this.#wake();
  }

  finish(): void {
    this.#finishing = true;
    this.#wake();
  }

  drop(): void {
    this.#dropped = true;
    this.#wake();
  }

  /** Until the recording ends or nobody follows it any more. */
  async run(): Promise<void> {
    try {
      while (!this.#dropped && !(await this.#step()));
    } finally {
      this.#screen.dispose();
      await this.#cast.close();
    }
  }

  /** True: that was the last. */
  async #step(): Promise<boolean> {
    if (this.#untaken >= MOST_UNTAKEN) {
      await this.#sleep(null);
      return false;
    }
    const jumped = (await this.#cast.behind()) > MOST_BEHIND && (await this.#jump());
    const finishing = this.#finishing;
    const events = await this.#cast.read();
    const frames = await this.#show(events);
    if (jumped) this.#tellScreen(true);
    else if (frames.length > 0) {
      this.#untaken += 1;
      this.#post({ type: 'frames', frames: packed(frames) });
    }
    if (this.#cast.ended !== null || (finishing && events.length === 0)) {
      this.#end();
      return true;
    }
    // Who begins to look at a stream that is far behind is to see it where it is now.
    if (this.#looks && (await this.#cast.behind()) <= FROM_END) this.#tellScreen(false);
    if (this.#rules !== null) this.#tellChanges(events.length > 0);
    if (events.length === 0) await this.#sleep(LOOK_MS);
    return false;
  }

  /** The screen to all, when it has changed; not too often. */
  #tellChanges(hasChanged: boolean): void {
    this.#isStale ||= hasChanged;
    const now = performance.now();
    if (!this.#isStale || now < this.#nextScreen) return;
    this.#nextScreen = now + SCREEN_MS;
    this.#tellScreen(true);
  }

  /** Goes on near the end of the file, with an empty screen of the size that it has there. */
  async #jump(): Promise<boolean> {
    const skipped = await this.#cast.skip(FROM_END);
    if (skipped === null) return false;
    const { cols, rows } = skipped.size ?? this.#screen;
    this.#skipped += skipped.bytes;
    this.#screen.dispose();
    this.#screen = this.#newScreen(cols, rows);
    return true;
  }

  /** Everything on the screen, and as frames. */
  async #show(events: readonly CastEvent[]): Promise<Uint8Array[]> {
    const frames: Uint8Array[] = [];
    let at = 0;
    let text = '';
    const flush = async (): Promise<void> => {
      if (text === '') return;
      if (this.#rules === null) frames.push(this.#alis.output(at, text));
      else this.#alis.pass(at);
      await this.#screen.write(text);
      text = '';
    };
    for (const event of events) {
      const now = micros(event);
      if (event.code !== 'o' || now - at > ONE_FRAME) await flush();
      if (event.code === 'o') {
        if (text === '') at = now;
        text += event.data;
      } else {
        frames.push(...this.#other(now, event));
      }
    }
    await flush();
    return frames;
  }

  #other(at: number, { code, data }: CastEvent): Uint8Array[] {
    if (code === 'm') return [this.#alis.marker(at, this.#rules?.hide(data) ?? data)];
    if (code === 'x') return /^\d{1,9}$/.test(data) ? [this.#alis.exit(at, Number(data))] : [];
    const size = code === 'r' ? sizeOf(data) : null;
    if (size === null) return [];
    this.#screen.resize(size.cols, size.rows);
    if (this.#rules !== null) return [];
    return [this.#alis.resize(at, this.#screen.cols, this.#screen.rows)];
  }

  #screenFrames(): Uint8Array[] {
    const reset = this.#alis.reset(this.#screen.state());
    if (this.#skipped === 0) return [reset];
    const words = `postern: ${megabytes(this.#skipped)} MB before this are not shown here`;
    return [reset, this.#alis.note(words)];
  }

  #tellScreen(all: boolean): void {
    this.#looks = false;
    this.#isStale = false;
    this.#untaken += 1;
    this.#post({ type: 'screen', frames: packed(this.#screenFrames()), all });
  }

  #end(): void {
    if (this.#rules !== null) this.#tellScreen(true);
    const screen = packed(this.#screenFrames());
    const last = packed([this.#alis.end()]);
    this.#post({
      type: 'ended',
      how: this.#cast.ended === null ? 'broken' : 'complete',
      screen,
      last,
    });
  }

  /** Until something is to be done; `most` milliseconds, or as long as it takes. */
  #sleep(most: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = most === null ? null : setTimeout(() => this.#wake(), most);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        this.#wake = () => undefined;
        resolve();
      };
    });
  }
}
