import type { Option } from './option.ts';
import { KEYS, OPTIONS } from './options.ts';

function fallbackOf(option: Option<unknown>): string {
  if (option.fallback === null) return option.fallbackText ?? 'none';
  const demo = option.demo === undefined ? '' : ` (\`${option.demo}\` with \`--demo\`)`;
  return `\`${option.fallback}\`${demo}`;
}

/** docs/settings.md, made from the table of settings; a test holds that the two are the same. */
export function settingsDocument(): string {
  const rows = KEYS.map((key) => OPTIONS[key]).map(
    (option) => `| \`${option.name}\` | ${fallbackOf(option)} | ${option.doc} |`,
  );
  return `# Settings

Made from \`src/config/options.ts\`; \`npm run test:unit -- test/config/document.test.ts -u\` renews it.

A setting is an environment variable, or a key of the same name in a YAML file given by
\`postern serve --config FILE\` (or \`POSTERN_CONFIG\`); the environment wins. An empty variable counts
as not set. Relative paths start at the working directory. All settings are checked at start and all
problems are reported together, with exit status 2; unknown names are problems too. \`postern config\`
prints what is in force and where it came from, secrets hidden.

| name | default | meaning |
|---|---|---|
${rows.join('\n')}

\`--demo\` is given on the command line alone. It starts a machine inside the process that gives a
shell on this host, so it refuses \`DATABASE_URL\`, \`REDIS_URL\`, \`NODE_ENV=production\` and any address
that other hosts can reach.

The commands that talk to a running server read \`POSTERN_URL\` and \`POSTERN_TOKEN\`; without them they
use \`ready.json\` and \`admin-token\` in this machine's data directory.
`;
}
