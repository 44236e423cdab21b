import type { Contradiction, Seal, Verdict } from '../domain/seal.ts';
import { type ChainHead, HashChain } from './hash-chain.ts';
import { identityOf } from './header.ts';
import { parseSeal, type ReadSeal } from './seal.ts';
import { SealScan } from './seal-scan.ts';
import type { SealingKeys } from './signer.ts';

/** Bytes of the longest header that is looked at; the recorder's own are far below. */
const LONGEST_HEADER = 256 * 1024;

/** What the verifier knows beside the file. */
export interface Known {
  readonly keys: SealingKeys;
  /** The seals that were noted elsewhere when the recording was made; may be none. */
  readonly seals?: readonly Seal[];
  /** Whose recording it has to be. */
  readonly identity?: { readonly session: number; readonly channel: number };
}

type Tampered = Extract<Verdict, { state: 'tampered' }>;

/**
 * Checks a recording's file, as it lies, against its seals: in one pass, in bounded memory. Needs
 * nothing but the file and the public keys; what else is known is checked as well. Answers the first
 * thing that is wrong.
 */
export async function verifyRecording(
  file: AsyncIterable<Uint8Array>,
  known: Known,
): Promise<Verdict> {
  const check = new Check(known);
  const scan = new SealScan(check);
  for await (const piece of file) {
    scan.add(piece);
    if (check.tampered !== null) return check.tampered;
  }
  scan.end();
  return check.verdict();
}

class Check {
  readonly #known: Known;
  readonly #noted: ReadonlyMap<number, Seal>;
  readonly #chain = new HashChain();
  /** The first line as far as it was seen; null when it was looked at. */
  #header: Buffer | null = Buffer.alloc(0);
  #last: ReadSeal | null = null;
  tampered: Tampered | null = null;

  constructor(known: Known) {
    this.#known = known;
    this.#noted = new Map((known.seals ?? []).map((seal) => [seal.part, seal]));
  }

  bytes(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#last?.final) this.#fail('after_the_end', this.#chain.size + bytes.length);
    if (this.#header !== null) this.#lookAtHeader(bytes);
    this.#chain.add(bytes);
  }

  seal(line: Buffer): void {
    const from = this.#chain.sealed;
    const head = this.#chain.close();
    this.#chain.add(line);
    const read = parseSeal(line.toString('utf8').replace(/\n$/, ''));
    const problem = line.at(-1) === 0x0a ? this.#problemOf(read, head) : 'unreadable';
    if (problem !== null) this.#fail(problem, head.end, head.part, from);
    this.#last = read;
  }

  verdict(): Verdict {
    if (this.tampered !== null) return this.tampered;
    const { part: parts, size, sealed } = this.#chain;
    if ([...this.#noted.keys()].some((part) => part > parts)) this.#fail('cut', size);
    if (this.tampered !== null) return this.tampered;
    const last = this.#last;
    if (last?.final) {
      const { state, recordedBytes } = last.final;
      return { state, parts, size, recordedBytes };
    }
    const unsealed = size - sealed - (last === null ? 0 : last.line.length + 1);
    return { state: 'open', parts, unsealed };
  }

  #problemOf(read: ReadSeal | null, head: ChainHead): Contradiction | null {
    if (this.#last?.final) return 'after_the_end';
    if (read === null) return 'unreadable';
    const signed = this.#known.keys.verify(read.signer, read.text, read.signature);
    if (signed === null) return 'unknown_signer';
    if (!signed) return 'forged';
    if (read.part !== head.part) return 'out_of_order';
    if (read.hash !== head.hash || read.end !== head.end) return 'changed';
    const noted = this.#noted.get(head.part);
    if (noted !== undefined && noted.line !== read.line) return 'replaced';
    return null;
  }

  #fail(problem: Contradiction, to: number, part = this.#chain.part + 1, from?: number): void {
    this.tampered ??= {
      state: 'tampered',
      ...{ part, from: from ?? this.#chain.sealed, to, problem },
    };
  }

  #lookAtHeader(bytes: Buffer): void {
    const header = Buffer.concat([this.#header ?? Buffer.alloc(0), bytes]);
    const end = header.indexOf('\n');
    if (end === -1 && header.length < LONGEST_HEADER) {
      this.#header = header;
      return;
    }
    this.#header = null;
    const wanted = this.#known.identity;
    if (wanted === undefined) return;
    const is = identityOf(header.toString('utf8', 0, end === -1 ? 0 : end));
    if (is?.session !== wanted.session || is.channel !== wanted.channel) {
      this.#fail('other_recording', end + 1);
    }
  }
}
