import { GuessLimit } from '../../src/domain/guess-limit.ts';
import { MemoryAttempts } from '../../src/store/memory-attempts.ts';

/** Waits for who guesses, counted in this process and for nobody else. */
export function ownGuesses(): GuessLimit {
  return new GuessLimit(new MemoryAttempts());
}
