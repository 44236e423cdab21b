import { analysed, corpus, type Score, score } from '../test/analysis/corpus.ts';

/**
 * How well commands are found in the corpus: `sh scripts/node.sh bench/commands.ts [-v]`. With -v what
 * was missed and what was wrong.
 */
const isVerbose = process.argv.includes('-v');

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

function worst(seconds: readonly number[]): string {
  const ordered = seconds.map(Math.abs).toSorted((a, b) => a - b);
  const at = (part: number): string =>
    (ordered[Math.floor(part * (ordered.length - 1))] ?? 0).toFixed(3);
  return ordered.length === 0 ? '-' : `${at(0.5)} / ${at(1)}`;
}

function line(name: string, scores: readonly Score[]): string {
  const sum = (of: (one: Score) => number): number => scores.reduce((all, one) => all + of(one), 0);
  const [truth, found, right] = [sum((s) => s.truth), sum((s) => s.found), sum((s) => s.right)];
  const exits = percent(
    sum((s) => s.exitsRight),
    sum((s) => s.exits),
  );
  return [
    name.padEnd(22),
    String(truth).padStart(5),
    percent(right, truth).padStart(8),
    percent(right, found).padStart(8),
    exits.padStart(8),
    worst(scores.flatMap((s) => s.starts)).padStart(15),
    worst(scores.flatMap((s) => s.ends)).padStart(15),
  ].join(' ');
}

const all = corpus().map((recorded) => {
  const found = analysed(recorded.channel, recorded.events);
  return { name: recorded.name, scored: score(recorded, found) };
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
say('name                   truth   recall    prec.    exits   start med/max     end med/max');
for (const { name, scored } of all) {
  say(line(name, [scored]));
  if (!isVerbose) continue;
  for (const text of scored.missed) say(`    missed ${JSON.stringify(text)}`);
  for (const text of scored.wrong) say(`    wrong  ${JSON.stringify(text)}`);
}
const isMarked = (name: string): boolean => name.startsWith('marks-');
say(
  line(
    'with marks',
    all.filter(({ name }) => isMarked(name)).map(({ scored }) => scored),
  ),
);
say(
  line(
    'without',
    all.filter(({ name }) => !isMarked(name)).map(({ scored }) => scored),
  ),
);
