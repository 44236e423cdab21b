import type { Line } from './line.ts';

/** Cuts `line` to `cols`; answers what did not fit, or null. */
function contract(line: Line, cols: number): Line | null {
  if (!line.wrapped) {
    const kept = Math.max(cols, line.length - line.trailing);
    if (kept < line.length) line.split(kept);
  }
  if (line.length <= cols) return null;
  const inWide = line.isTail(cols);
  if (inWide && cols === 1) return withoutWide(line);
  const rest = line.split(inWide ? cols - 1 : cols);
  if (inWide) line.appendSpace();
  if (!line.wrapped) rest.trim();
  if (rest.length === 0) return null;
  line.wrapped = true;
  return rest;
}

/** One column has no room for a wide character, ever: a space stands for it. */
function withoutWide(line: Line): Line | null {
  const rest = line.split(2);
  line.split(0);
  line.appendSpace();
  if (!line.wrapped) rest.trim();
  if (rest.length === 0) return null;
  line.wrapped = true;
  return rest;
}

/**
 * Fills `line` up to `cols` from the row below it. `rest` is what of that row is left (null: nothing);
 * without `done`, more is needed.
 */
function extend(line: Line, next: Line, cols: number): { done: boolean; rest: Line | null } {
  if (!line.wrapped) {
    line.pad(cols);
    return { done: true, rest: next };
  }
  if (!next.wrapped) next.trim();
  const needed = cols - line.length;
  if (needed < next.length) {
    const cut = next.isTail(needed) ? needed - 1 : needed;
    // As the player's terminal does: the space comes before what is taken.
    if (cut < needed) line.appendSpace();
    line.append(next, 0, cut);
    return { done: true, rest: next.split(cut) };
  }
  line.append(next, 0, next.length);
  if (next.wrapped) return { done: line.length === cols, rest: null };
  line.wrapped = false;
  if (line.length < cols) line.pad(cols);
  return { done: true, rest: null };
}

/** The same text in rows of `cols`. Takes the rows: they are not to be used after it. */
export function reflow(rows: readonly Line[], cols: number): Line[] {
  const done: Line[] = [];
  let at = 0;
  let rest: Line | null = null;
  for (;;) {
    const line: Line | undefined = rest ?? rows[at++];
    rest = null;
    if (line === undefined) return done;
    if (cols < line.length) rest = contract(line, cols);
    while (line.length < cols) {
      const next = rows[at];
      if (next === undefined) {
        line.pad(cols);
        line.wrapped = false;
        break;
      }
      at += 1;
      const step = extend(line, next, cols);
      rest = step.rest;
      if (step.done) break;
    }
    done.push(line);
  }
}
