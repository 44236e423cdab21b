/** A form that secrets have. What its last group matches is the secret. */
export interface Detector {
  readonly name: string;
  /** Global. Every repetition in it is bounded, or ends where another character than its own comes. */
  readonly pattern: RegExp;
}

/** What comes before a value that is a secret, as in `db_password=`, `"api_key": ` and `--token `. */
const NAMES =
  '(?:pass(?:word|wd|phrase|code)|[_-]pass|[_-]pwd|[_-]pw|secret|token|bearer|credentials?|(?:api|access|account|auth|private|secret|signing|encryption|master|shared)[_-]?key|private[_-]token)';

/**
 * What a value begins with that is none: a variable, a placeholder, something that is computed. A `$`, `%`, `*` or `~`
 * that is no expansion, format, alias, pattern or directory is the value's own: `%21abcde` of a form, `~x!9`.
 */
const NO_VALUE = [
  '(?![<{(=]',
  '|\\$(?:[A-Za-z0-9_{(\'"?!@#$*\\s,;-]|$)',
  '|%(?!(?:[2-7][0-9A-F][^\\s"\'&%\\\\]{5}|[!^&=~?][^\\s]))',
  '|\\*(?![A-Za-z0-9_.-]{1,60}[!#$%^+=@~?:])',
  '|~(?:[A-Za-z0-9_.+-]{0,60}(?:[/\\s"\',;&|)]|$)|[\\^/([{])',
  '|[A-Za-z0-9_.]{1,200}\\(|(?:null|none|nil|true|false|undefined|yes|no)(?![A-Za-z0-9_]))',
].join('');

/**
 * A character of a value without quotes. A comma is one where no other value (`,user=x`), option (`,ro`) or text
 * follows it.
 */
const UNQUOTED =
  '(?:[^\\s"\'&;,<>|()]|,(?=[^\\s"\'&;,<>|(){}[\\]])(?![a-z_]{1,40}(?:[,\\s"\'&;|()]|$)|[A-Za-z_][A-Za-z0-9_.-]{0,60}[=:]))';

const QUOTED = `"(?:[^"\\\\\\r\\n]|\\\\.){1,1000}|'[^'\\r\\n]{1,1000}`;

/** Up to the value of curl's option for a user and a password, in the same command. */
const CURL_USER =
  '(?<![A-Za-z0-9])curl[ \\t](?:(?:[^|;&\\r\\n]|&(?=[^\\s&])){0,200}?[ \\t])??(?:-[a-zA-Z#]{0,10}[uU][ \\t]{0,3}|--(?:proxy-)?user[ \\t=]{1,3})';

/**
 * Known forms, each as its issuer documents it. Where the beginning alone is unmistakable, half of one is enough:
 * somebody may still be typing it.
 */
export const DETECTORS: readonly Detector[] = [
  // The rest of a block is found line by line: see key-block.ts.
  {
    name: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----((?:(?!-----END).){1,8192})/g,
  },
  { name: 'aws', pattern: /(?<![A-Za-z0-9])((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?![A-Za-z0-9])/g },
  { name: 'github', pattern: /(?<![A-Za-z0-9])(gh[pousr]_[A-Za-z0-9]{10,255})/g },
  { name: 'github', pattern: /(?<![A-Za-z0-9])(github_pat_[A-Za-z0-9_]{22,255})/g },
  {
    name: 'gitlab',
    pattern:
      /(?<![A-Za-z0-9])(gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_.-]{10,300})/g,
  },
  { name: 'slack', pattern: /(?<![A-Za-z0-9])(xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,300})/g },
  { name: 'slack', pattern: /(?<![A-Za-z0-9])(xapp-[0-9]-[A-Za-z0-9-]{10,300})/g },
  {
    name: 'slack',
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9/_-]{20,200})/g,
  },
  // RFC 7519: JSON objects begin with `{"`, in base64url `eyJ`.
  {
    name: 'jwt',
    pattern:
      /(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{6,4000}\.eyJ[A-Za-z0-9_-]{6,8000}\.[A-Za-z0-9_-]{10,2000})/g,
  },
  {
    name: 'age',
    pattern: /(?<![A-Za-z0-9])(AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,100})(?![A-Za-z0-9])/gi,
  },
  { name: 'stripe', pattern: /(?<![A-Za-z0-9])([sr]k_(?:live|test)_[A-Za-z0-9]{10,250})/g },
  { name: 'stripe', pattern: /(?<![A-Za-z0-9])(whsec_[A-Za-z0-9+/=]{24,250})/g },
  { name: 'google', pattern: /(?<![A-Za-z0-9])(AIza[0-9A-Za-z_-]{35})(?![0-9A-Za-z_-])/g },
  { name: 'npm', pattern: /(?<![A-Za-z0-9])(npm_[A-Za-z0-9]{36})(?![A-Za-z0-9])/g },
  { name: 'pypi', pattern: /(?<![A-Za-z0-9])(pypi-AgEI[A-Za-z0-9_-]{50,1000})/g },
  {
    name: 'sendgrid',
    pattern: /(?<![A-Za-z0-9])(SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{30,60})/g,
  },
  { name: 'vault', pattern: /(?<![A-Za-z0-9])(hv[sbr]\.[A-Za-z0-9_-]{24,300})/g },
  {
    name: 'openai',
    pattern: /(?<![A-Za-z0-9])(sk-(?:[a-z]{2,10}[0-9]{0,2}-)?[A-Za-z0-9_-]{20,250})/g,
  },
  // crypt(5), as in /etc/shadow.
  {
    name: 'password-hash',
    pattern:
      /(?<![A-Za-z0-9])(\$(?:1|2[abxy]|5|6|7|y|gy|argon2id?)\$(?:[^\s:"',]|,(?=[a-z]=)){20,400})/g,
  },
  // RFC 9110 §11.6.2, and what looks like it by itself.
  {
    name: 'authorization',
    pattern:
      /authorization["']?[ \t]{0,3}[:=][ \t]{0,3}["']?(?:[A-Za-z][A-Za-z0-9-]{0,20}[ \t]{1,3})?([^\s"']{4,8000})/gi,
  },
  { name: 'bearer', pattern: /(?<![A-Za-z0-9])bearer[ \t]{1,3}([A-Za-z0-9._~+/=-]{16,8000})/gi },
  // RFC 3986 §3.2.1.
  {
    name: 'url',
    pattern:
      /(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s:@/"']{0,100}:([^\s@/"']{1,300}(?:@[^\s@/"'<>,;]{1,300}){0,3})@/g,
  },
  {
    name: 'assignment',
    pattern: new RegExp(
      `${NAMES}["'\\]]{0,2}[ \\t]{0,3}(?::=|=>|={1,2}|:)[ \\t]{0,3}${NO_VALUE}(${QUOTED})`,
      'gi',
    ),
  },
  {
    name: 'assignment',
    pattern: new RegExp(`${NAMES}["'\\]]{0,2}[ \\t]{0,3}:?=${NO_VALUE}(${UNQUOTED}{1,1000})`, 'gi'),
  },
  {
    name: 'assignment',
    pattern: new RegExp(
      `${NAMES}["'\\]]{0,2}[ \\t]{1,3}:?=[ \\t]{1,3}${NO_VALUE}(${UNQUOTED}{3,1000})(?=[ \\t]*$|[,;}\\]]|[ \\t]+[#│|])`,
      'gim',
    ),
  },
  // In prose a word follows the word: it has to be the last one of its line.
  {
    name: 'assignment',
    pattern: new RegExp(
      `${NAMES}["'\\]]{0,2}:[ \\t]{1,40}${NO_VALUE}(${UNQUOTED}{4,1000})(?=[ \\t]*$|[,;}\\]]|[ \\t]+[#│|]|[ \\t]{2})`,
      'gim',
    ),
  },
  {
    name: 'option',
    pattern: new RegExp(
      `(?<=\\s|^)--?[A-Za-z-]{0,30}${NAMES}[ \\t]{1,3}(?!-)${NO_VALUE}(${QUOTED}|[^\\s"'|;&]{1,1000})`,
      'gi',
    ),
  },
  // JSON in a JSON string.
  {
    name: 'assignment',
    pattern: new RegExp(
      `${NAMES}\\\\"[ \\t]{0,3}:[ \\t]{0,3}\\\\"${NO_VALUE}([^"\\\\\\r\\n]{1,1000})`,
      'gi',
    ),
  },
  // What `aws configure` asks.
  {
    name: 'aws',
    pattern: /AWS Secret Access Key \[[^\]]{0,40}\]: ([A-Za-z0-9/+=]{1,100})/g,
  },
  // PEM in base64, unless it is a certificate or a public key.
  {
    name: 'private-key',
    pattern: /(?<![A-Za-z0-9+/=])(LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM)[A-Za-z0-9+/=]{20,16000})/g,
  },
  // `curl -u user:password`, also among other letters (`-su`) and without a space.
  {
    name: 'option',
    pattern: new RegExp(`${CURL_USER}['"]?[^\\s:"'$]{1,100}:(?!["'$\\s])([^\\s"'|;&]{1,300})`, 'g'),
  },
  { name: 'option', pattern: new RegExp(`${CURL_USER}'[^\\s:']{1,100}:([^'\\r\\n]{1,300})'`, 'g') },
  { name: 'option', pattern: /(?<![A-Za-z0-9])sshpass[ \t]{1,3}-p[ \t]{0,3}([^\s"'|;&]{1,300})/g },
  {
    name: 'option',
    pattern:
      /(?<![A-Za-z0-9])mysql(?:dump|admin)?[ \t](?:[^|;&]{0,200}?[ \t])??-p([^\s"'|;&]{1,300})/g,
  },
];

/** The same, while somebody types them or their packets arrive. */
export const BEGINNINGS: readonly Detector[] = [
  { name: 'aws', pattern: /(?<![A-Za-z0-9])((?:AKIA|ASIA)[A-Z0-9]{0,16})(?![a-z0-9])/g },
  { name: 'github', pattern: /(?<![A-Za-z0-9])((?:gh[pousr]|github_pat)_[A-Za-z0-9_]{0,255})/g },
  { name: 'gitlab', pattern: /(?<![A-Za-z0-9])(glpat-[A-Za-z0-9_.-]{0,300})/g },
  { name: 'slack', pattern: /(?<![A-Za-z0-9])(xox[abeoprs]-[A-Za-z0-9-]{0,300})/g },
  { name: 'jwt', pattern: /(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_.-]{3,8000})/g },
  { name: 'age', pattern: /(AGE-SECRET-KEY-[0-9A-Z-]{0,100})/gi },
  { name: 'stripe', pattern: /(?<![A-Za-z0-9])([sr]k_(?:live|test)_[A-Za-z0-9]{0,250})/g },
  {
    name: 'slack',
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9/_-]{1,200})/g,
  },
  { name: 'google', pattern: /(?<![A-Za-z0-9])(AIza[0-9A-Za-z_-]{0,35})/g },
  { name: 'pypi', pattern: /(?<![A-Za-z0-9])(pypi-Ag[A-Za-z0-9_-]{0,1000})/g },
  { name: 'sendgrid', pattern: /(?<![A-Za-z0-9])(SG\.[A-Za-z0-9_.-]{4,110})/g },
  { name: 'vault', pattern: /(?<![A-Za-z0-9])(hv[sbr]\.[A-Za-z0-9_-]{1,300})/g },
  // Those that begin as words do are known by what no word has.
  {
    name: 'npm',
    pattern: /(?<![A-Za-z0-9])(npm_(?=[a-z]{0,36}[0-9A-Z])[A-Za-z0-9]{1,36})(?![A-Za-z0-9_])/g,
  },
  {
    name: 'openai',
    pattern: /(?<![A-Za-z0-9])(sk-(?=[a-z_-]{0,250}[0-9A-Z])[A-Za-z0-9_-]{1,250})/g,
  },
  {
    name: 'bearer',
    pattern:
      /(?<![A-Za-z0-9])(?:[Bb]earer|BEARER)[ \t]{1,3}((?=[a-z.-]{0,8000}[0-9A-Z_~+/=])[A-Za-z0-9._~+/=-]{1,8000})/g,
  },
  // A port is at most five digits.
  {
    name: 'url',
    pattern:
      /(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/[^\s:@/"']{0,100}:(?!\d{1,5}(?![^\s/?#"',;)]))([^\s@/"']{1,300})/g,
  },
];

/** For who wants to do without some of them. */
export const DETECTOR_NAMES: readonly string[] = [...new Set(DETECTORS.map(({ name }) => name))];

/** Without one of these a text has none of the above; a quick look before all of them. */
export const HINT =
  /-----|private-lines|A[KSB]IA|ACCA|LS0t|gh[pousr]_|github_pat|gl[a-z]{2,5}-|xox|xapp|hooks\.|eyJ|age-sec|[sr]k_|whsec_|AIza|npm_|pypi-|SG\.|hv[sbr]\.|sk-|\$[0-9a-z]{1,8}\$|pass|[_-]pw|secret|token|bearer|credential|key|authoriz|:\/\/|mysql|curl/i;
