import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import type { Contradiction, Verdict } from '../domain/seal.ts';
import type { EncryptedBytes } from '../envelope/encrypted-bytes.ts';
import { type Known, verifyRecording } from './verify.ts';

const PIECE = 64 * 1024;

/** All of the bytes, in pieces. */
export async function* piecesOf(bytes: Pick<PositionedBytes, 'read'>): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    const { bytesRead } = await bytes.read(piece, 0, PIECE, at);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/**
 * As `verifyRecording`, of an encrypted file that is open: its records are checked too, each at its place.
 * One at the end that was not written whole counts as bytes that no seal covers.
 */
export async function verifyEncrypted(cast: EncryptedBytes, known: Known): Promise<Verdict> {
  const verdict = await verifyRecording(piecesOf(cast), known);
  const { end, rest, torn } = await cast.survey();
  if (rest === 0) return verdict;
  const to = end.text + rest;
  const bad = (part: number, from: number, problem: Contradiction): Verdict => ({
    ...{ state: 'tampered', part, from, to, problem },
  });
  switch (verdict.state) {
    case 'complete':
    case 'recovered':
    case 'truncated':
    case 'gap':
      return bad(verdict.parts + 1, end.text, 'after_the_end');
    case 'open': {
      const { parts, unsealed } = verdict;
      if (torn) return { ...verdict, unsealed: unsealed + rest };
      return bad(parts + 1, end.text - unsealed, 'not_its_record');
    }
    case 'tampered':
      // What is missing is there, and does not open.
      if (verdict.problem !== 'cut' || torn) return verdict;
      return bad(verdict.part, verdict.from, 'not_its_record');
    case 'locked':
      return verdict;
  }
}
