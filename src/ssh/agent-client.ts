/** The client's side of the agent protocol (draft-ietf-sshm-ssh-agent): list the keys, sign. */
import { StrictReader } from './strict-reader.ts';
import { message, uint32, wireString } from './wire.ts';

const Agent = {
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
} as const;

/** OpenSSH's bound on a message of the protocol, in bytes. */
const LONGEST_ANSWER = 256 * 1024;

/** Keys beyond these are not looked at; machines take six attempts unless told otherwise. */
const MOST_KEYS = 64;

const LONGEST_KEY = 32 * 1024;
const LONGEST_COMMENT = 4096;
const LONGEST_SIGNATURE = 16 * 1024;

/** How long an agent may take, in milliseconds: to list its keys, and to sign, which may need a hand. */
const LIST_MS = 10_000;
const SIGN_MS = 50_000;

/** SHA-1 is what an agent signs with an RSA key unless it is told this. */
const RSA_SHA2_512 = 4;

interface Question {
  readonly answer: (message: Buffer) => void;
  readonly fail: (error: Error) => void;
}

/** Speaks to one agent over a stream that is its own; it does not end the stream. */
export class AgentClient {
  readonly #stream: NodeJS.ReadWriteStream;
  #read = Buffer.alloc(0);
  #question: Question | null = null;
  #over: Error | null = null;

  constructor(stream: NodeJS.ReadWriteStream) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.once('end', () => this.#end('the agent has gone'));
    stream.once('close', () => this.#end('the agent has gone'));
    stream.on('error', () => this.#end('the agent has gone'));
  }

  /** The public keys and certificates, as blobs, in the agent's order; at most 64. Rejects with Error. */
  async identities(): Promise<readonly Buffer[]> {
    const answer = await this.#ask(message(Agent.requestIdentities), LIST_MS);
    const reader = new StrictReader(answer);
    if (reader.byte() !== Agent.identitiesAnswer) throw new Error('the agent lists no keys');
    const count = reader.uint32();
    const blobs: Buffer[] = [];
    for (let at = 0; at < Math.min(count, MOST_KEYS); at += 1) {
      blobs.push(Buffer.from(reader.string(LONGEST_KEY)));
      reader.string(LONGEST_COMMENT);
    }
    return blobs;
  }

  /** A signature as it goes over the wire, with the name of its algorithm. Rejects with Error. */
  async sign(blob: Buffer, data: Buffer): Promise<Buffer> {
    const fields = [wireString(blob), wireString(data), uint32(RSA_SHA2_512)];
    const answer = await this.#ask(message(Agent.signRequest, ...fields), SIGN_MS);
    const reader = new StrictReader(answer);
    if (reader.byte() !== Agent.signResponse) throw new Error('the agent does not sign');
    const signature = Buffer.from(reader.string(LONGEST_SIGNATURE));
    reader.end();
    return signature;
  }

  async #ask(question: Buffer, timeoutMs: number): Promise<Buffer> {
    if (this.#over !== null) throw this.#over;
    if (this.#question !== null) throw new Error('one question at a time');
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#question = { answer: resolve, fail: reject };
    // A late answer would be taken for that to the next question.
    const timer = setTimeout(() => this.#end('the agent is silent'), timeoutMs);
    this.#stream.write(wireString(question));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#question = null;
    }
  }

  #take(chunk: Buffer): void {
    if (this.#over !== null) return;
    this.#read = Buffer.concat([this.#read, chunk]);
    if (this.#question === null) this.#end('the agent speaks unasked');
    if (this.#read.length < 4) return;
    const length = this.#read.readUInt32BE(0);
    if (length > LONGEST_ANSWER) this.#end('the agent says too much');
    else if (this.#read.length > 4 + length) this.#end('the agent speaks unasked');
    else if (this.#read.length === 4 + length) {
      const answer = this.#read.subarray(4);
      this.#read = Buffer.alloc(0);
      this.#question?.answer(answer);
      this.#question = null;
    }
  }

  #end(why: string): void {
    this.#over ??= new Error(why);
    this.#read = Buffer.alloc(0);
    this.#question?.fail(this.#over);
  }
}
