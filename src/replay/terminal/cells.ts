/** Rows above the screen, which an emulator keeps too. */
const ABOVE = 110;

/** Cells of the largest terminal that is followed, with those above its screen: some 25 MB. */
const MOST_CELLS = 2_000_000;

/** Cells that an emulator of this size has at the most. */
export function cellsOf(cols: number, rows: number): number {
  return cols * (rows + ABOVE);
}

/** Throws where a terminal is too large to be followed. */
export function assertFits(cols: number, rows: number): void {
  if (cellsOf(cols, rows) > MOST_CELLS) {
    throw new Error(`a terminal of ${cols}x${rows} is too large to be followed`);
  }
}
