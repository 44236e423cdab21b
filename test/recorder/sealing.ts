import { newSigningKey, SealingKeys, Signer } from '../../src/recorder/signer.ts';

/** A key of this test run. */
export const SEALING_KEY = newSigningKey();
export const SIGNER = new Signer(SEALING_KEY);
export const KEYS = new SealingKeys(SIGNER.public.publicPem);
