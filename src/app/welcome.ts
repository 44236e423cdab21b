import { relative } from 'node:path';
import type { Welcome } from '../cli/running-app.ts';
import type { DemoParts } from './demo.ts';

/** A path as the reader would type it: relative where that is shorter, quoted where a shell needs it. */
function typed(path: string): string {
  const near = relative(process.cwd(), path);
  const short = near !== '' && !near.startsWith('..') ? `./${near}` : path;
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(short) ? short : `'${short.replaceAll("'", `'\\''`)}'`;
}

/** What the person who started the server should type and open next. */
export function welcome(facts: {
  readonly addresses: {
    readonly ssh: { readonly host: string; readonly port: number };
    readonly url: string;
  };
  readonly dataDir: string;
  readonly demo: DemoParts | null;
  readonly database: string;
  readonly notes: readonly string[];
}): Welcome {
  const { ssh, url } = facts.addresses;
  const notes = [`the database is ${facts.database}`, ...facts.notes];
  const data = typed(facts.dataDir);
  if (facts.demo === null) {
    const next = 'users, machines and grants come from one file: postern apply FILE';
    return { commands: [], console: url, data, notes: [next, ...notes] };
  }
  const { visitor, signInPath } = facts.demo;
  return {
    commands: [
      {
        line: `ssh -F ${typed(visitor.sshConfig)} demo`,
        note: 'a recorded shell on this machine; needs no key of yours',
      },
      {
        line: `ssh -p ${ssh.port} ${visitor.user}@${ssh.host}`,
        note: `the same with a password: ${visitor.password}`,
      },
    ],
    console: `${url}${signInPath}`,
    data,
    notes: ['the console link signs in once, within the hour', ...notes],
  };
}
