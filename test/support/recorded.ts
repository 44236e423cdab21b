import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLibrary } from '../../src/recorder/library.ts';
import { SealingKeys } from '../../src/recorder/signer.ts';
import { verifyRecording } from '../../src/recorder/verify.ts';
import { checkAsciicast } from './asciicast.ts';
import { play } from './player.ts';
import { find } from './requirements.ts';
import { run } from './run.ts';
import { scratch } from './scratch.ts';

/** Bytes of the longest recording that is shown to asciinema and its player: each takes a second for it. */
const MOST_SHOWN = 2_000_000;

/** Bytes of the longest one that is read at all. */
const MOST_READ = 100_000_000;

/**
 * `asciinema cat` of many files in one process, which would take most of its time to start: the hash of
 * what it prints for each, or why it does not.
 */
const CAT = `
import hashlib, sys
from asciinema.__main__ import main
class Sink:
    def __init__(self): self.hash = hashlib.sha256()
    def write(self, text): self.hash.update(text.encode("utf-8"))
    def flush(self): pass
out = sys.stdout
with open(sys.argv[1]) as list: files = list.read().splitlines()
for file in files:
    sys.argv = ["asciinema", "cat", file]
    sys.stdout = sink = Sink()
    try: status = main()
    except BaseException as error: status = repr(error)
    sys.stdout = out
    print(status, sink.hash.hexdigest())
`;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function casts(root: string): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.cast'),
  );
}

/** What Debian's asciinema runs in; null: there is none, or it is another. */
function interpreter(): string | null {
  const program = find('asciinema');
  if (program === null) return null;
  return /^#!\s*(\S*python3)\s/.exec(readFileSync(program, 'latin1').slice(0, 100))?.[1] ?? null;
}

/** Throws unless the real asciinema prints each of these v2 files as it is, named by its key. */
async function assertPrinted(files: ReadonlyMap<string, string>): Promise<void> {
  const python = interpreter();
  if (python === null || files.size === 0) return;
  using place = scratch();
  const keys = [...files.keys()];
  const paths = keys.map((_, index) => place.join(`${index}.cast`));
  for (const [index, text] of [...files.values()].entries())
    writeFileSync(paths[index] ?? '', text);
  writeFileSync(place.join('list'), paths.join('\n'));
  writeFileSync(place.join('cat.py'), CAT);
  // It wants a terminal, which script gives it.
  const command = `${python} ${place.join('cat.py')} ${place.join('list')}`;
  const { stdout, stderr } = await run('script', ['-qec', command, '/dev/null'], {
    deadlineMs: 50_000,
  });
  const said = stdout.toString().trim().split(/\r?\n/);
  for (const [index, key] of keys.entries()) {
    const wanted = `0 ${sha256(checkAsciicast(files.get(key) ?? '').text)}`;
    if (said[index] === wanted) continue;
    throw new Error(`asciinema does not print ${key} as it is: ${said[index]} ${stderr}`);
  }
}

async function assertPlayed(key: string, v3: string): Promise<void> {
  const { text } = checkAsciicast(v3);
  const { output, errors } = await play(v3);
  if (errors.length > 0) throw new Error(`asciinema-player refuses ${key}: ${String(errors[0])}`);
  if (output !== text) throw new Error(`asciinema-player shows other things than ${key} holds`);
}

/**
 * Looks at all recordings that a bastion has made, and that are sealed to their end (a test may have
 * broken one): rejects unless an independent reader, the real asciinema and the real player take each.
 * `publicKey`: the file that they are sealed with. Answers how many there were.
 */
export async function checkRecorded(root: string, publicKey: string): Promise<number> {
  const library = openLibrary(root);
  const printed = new Map<string, string>();
  let count = 0;
  for (const key of casts(root)) {
    const path = join(root, key);
    const keys = new SealingKeys(readFileSync(publicKey, 'utf8'));
    const verdict = await verifyRecording(createReadStream(path), { keys });
    if (verdict.state === 'open' || verdict.state === 'tampered') continue;
    count += 1;
    if (verdict.size > MOST_READ) continue;
    const bytes = readFileSync(path);
    // One that is encrypted is nobody's to read here.
    if (bytes[0] !== 0x7b) continue;
    try {
      checkAsciicast(bytes);
    } catch (error) {
      throw new Error(`${key} is no asciicast: ${String(error)}`, { cause: error });
    }
    if (verdict.size > MOST_SHOWN) continue;
    await assertPlayed(key, bytes.toString());
    printed.set(key, await new Response(library.readV2(key)).text());
  }
  await assertPrinted(printed);
  return count;
}
