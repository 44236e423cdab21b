/** UTF-16 units of a text, the end excluded. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** In order, and none touching another. */
export function merged(spans: readonly Span[]): Span[] {
  const done: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = done.at(-1);
    if (last === undefined || span.from > last.to) done.push(span);
    else if (span.to > last.to) done[done.length - 1] = { from: last.from, to: span.to };
  }
  return done;
}
