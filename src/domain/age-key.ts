/** Bech32 (BIP 173), as age writes its keys. */
const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** 32 bytes in groups of five bits, and the checksum. */
const DATA_LENGTH = 52 + 6;

function checksum(values: readonly number[]): number {
  return values.reduce((sum, value) => {
    const shifted = ((sum & 0x1ffffff) << 5) ^ value;
    return GENERATOR.reduce(
      (all, term, bit) => ((sum >>> (25 + bit)) & 1 ? all ^ term : all),
      shifted,
    );
  }, 1);
}

/** Whether `text`, in lower case, is 32 bytes as Bech32 with this prefix. */
function isKey(text: string, prefix: string): boolean {
  if (!text.startsWith(`${prefix}1`)) return false;
  const data = [...text.slice(prefix.length + 1)].map((one) => CHARACTERS.indexOf(one));
  if (data.length !== DATA_LENGTH || data.includes(-1)) return false;
  const codes = [...prefix].map((one) => one.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  return checksum([...expanded, ...data]) === 1;
}

/** An X25519 recipient, `age1…`: a public key that something can be encrypted to. */
export function isAgeRecipient(text: string): boolean {
  return isKey(text, 'age');
}

/** An X25519 identity, `AGE-SECRET-KEY-1…`: the secret key that opens what was. */
export function isAgeIdentity(text: string): boolean {
  return text === text.toUpperCase() && isKey(text.toLowerCase(), 'age-secret-key-');
}

/** Enough of a recipient to find it by. */
function fingerprint(recipient: string): string {
  return `${recipient.slice(0, 20)}…`;
}

/** Recipients as a message names them. */
export function namesOfRecipients(recipients: readonly string[]): string {
  return recipients.map(fingerprint).join(', ');
}
