import { ReadStream } from 'node:tty';
import type { IPty } from '@lydell/node-pty';

/**
 * The stream under node-pty's terminal. Its own `write` takes text alone and says nothing of
 * back-pressure, and keystrokes are bytes.
 */
export function streamOf(pty: IPty): ReadStream {
  const stream: unknown = Reflect.get(pty, '_socket');
  if (!(stream instanceof ReadStream)) throw new Error('node-pty has no stream inside');
  return stream;
}

/**
 * node-pty destroys its stream 200 ms after the program's end, read or not: a slow reader, or a process
 * busy for so long, would lose the last of it. This puts that off until a whole turn of the event loop
 * has brought nothing more; the kernel bounds how much there can be. `ending` is called when the program
 * has ended; from then on the stream must not be paused.
 */
export function readToTheEnd(stream: ReadStream, ending: () => void = () => undefined): void {
  const destroy = stream.destroy.bind(stream);
  let chunks = 0;
  stream.on('data', () => {
    chunks += 1;
  });
  const destroyOnceRead = (): void => {
    const before = chunks;
    stream.resume();
    setImmediate(() => {
      if (chunks === before) destroy();
      else destroyOnceRead();
    });
  };
  stream.destroy = (error) => {
    if (error !== undefined) return destroy(error);
    ending();
    destroyOnceRead();
    return stream;
  };
}
