/** Characters; 1 to 99999 each. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** `COLSxROWS`, as the resize of a recording has it (asciicast v2, event `r`); null: it is none. */
export function sizeOf(text: string): TerminalSize | null {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text);
  return match === null ? null : { cols: Number(match[1]), rows: Number(match[2]) };
}
