/** What a process of Postern takes. */
export interface ProcessLoad {
  /** Seconds of processor since its start, in its own code and in the kernel's. */
  readonly cpuUser: number;
  readonly cpuSystem: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  /** Null: the system does not say. */
  readonly openFiles: number | null;
  /** Seconds that its event loop was late, in the last half a minute or more. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly most: number };
}

/** What a process takes that carries bytes; see GatewayPlace. */
export interface GatewayLoad extends ProcessLoad {
  /** Bytes that wait for the disk of the recordings. */
  readonly recorderQueue: number;
}
