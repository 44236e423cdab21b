import { formatListener, type Listener } from '../config/listener.ts';
import { reasonOf } from '../domain/log.ts';

/** What the system's codes mean for whoever set the address. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this account may not (ports below 1024 need a privilege)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host of that name',
};

/** Opens a listener; when it cannot be, rejects with an error that names the setting. */
export async function listening<T>(
  setting: string,
  at: Listener,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const reason = reasonOf(error);
    const code = Object.keys(MEANINGS).find((known) => reason.includes(known));
    if (code === undefined) throw error;
    const text = `${setting}: cannot listen on ${formatListener(at)}: ${MEANINGS[code]}`;
    throw new Error(text, { cause: error });
  }
}
