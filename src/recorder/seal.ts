import { FINAL_STATES, type FinalState, type Seal } from '../domain/seal.ts';
import type { HashChain } from './hash-chain.ts';
import { seconds } from './interval.ts';
import { noteLine, parseNote } from './note.ts';
import type { Signer } from './signer.ts';

/** Bytes of a part that are not sealed before they are due. */
export const PART_BYTES = 256 * 1024;

/** Milliseconds after which what is not sealed is. */
export const PART_MS = 30_000;

/** Characters of the longest seal's line. */
export const LONGEST_SEAL = 1024;

/** What the last seal of a recording says more. */
export interface Final {
  readonly state: FinalState;
  /** Of output and error, handed to the recorder; null where nobody knows. */
  readonly recordedBytes: number | null;
}

/**
 * Ends a part of the chain and answers its seal, whose line is to be the file's next: it is in the
 * chain already. The line is `# seal JSON SIGNATURE`; JSON has `part`, `end`, `hash` as in Seal, `time`
 * (seconds of the last event), `at` (the wall clock) and `signer`; the last one `final` and `bytes` too.
 * `micros`: of the last event.
 */
export function seal(chain: HashChain, signer: Signer, micros: number, final: Final | null): Seal {
  const head = chain.close();
  const text = JSON.stringify({
    ...head,
    time: Number(seconds(micros)),
    at: new Date().toISOString(),
    signer: signer.public.id,
    ...(final === null ? {} : { final: final.state, bytes: final.recordedBytes }),
  });
  const line = noteLine('seal', `${text} ${signer.sign(text)}`);
  chain.add(Buffer.from(line));
  return { ...head, line: line.slice(0, -1) };
}

/** What a seal's line says. */
export interface ReadSeal extends Seal {
  readonly signer: string;
  /** What is signed. */
  readonly text: string;
  readonly signature: string;
  /** Of the last event before it, microseconds after the start; null where it does not say. */
  readonly micros: number | null;
  readonly final: Final | null;
}

/** Null when the line (without its newline) is no seal. */
export function parseSeal(line: string): ReadSeal | null {
  const note = parseNote(line);
  if (note?.name !== 'seal' || line.length > LONGEST_SEAL) return null;
  const cut = note.data.lastIndexOf(' ');
  const text = note.data.slice(0, cut);
  const said = parsed(text);
  const { part, end, hash, signer, time, final, bytes } = said;
  if (typeof part !== 'number' || typeof end !== 'number') return null;
  if (typeof hash !== 'string' || typeof signer !== 'string') return null;
  const state = FINAL_STATES.find((known) => known === final);
  if (final !== undefined && state === undefined) return null;
  return {
    ...{ part, end, hash, signer, line, text, signature: note.data.slice(cut + 1) },
    micros: typeof time === 'number' ? Math.round(time * 1_000_000) : null,
    final:
      state === undefined
        ? null
        : { state, recordedBytes: typeof bytes === 'number' ? bytes : null },
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
