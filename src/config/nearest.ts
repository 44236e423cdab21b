/** The number of letters to insert, remove or change between two texts (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const change = (above[column - 1] ?? 0) + same;
      current.push(Math.min(change, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[b.length] ?? 0;
}

/** The longest text that is compared; longer ones are no slip of the fingers. */
const LONGEST = 64;

/** The known name that someone who typed `text` most likely meant; null when none is near. */
export function nearest(text: string, known: readonly string[]): string | null {
  if (text.length > LONGEST) return null;
  const ranked = known
    .map((name) => ({ name, steps: distance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps);
  const [best] = ranked;
  return best !== undefined && best.steps <= Math.ceil(text.length / 3) ? best.name : null;
}

/** `; did you mean X?`, or nothing. */
export function didYouMean(text: string, known: readonly string[]): string {
  const name = nearest(text, known);
  return name === null ? '' : `; did you mean ${name}?`;
}
