import type { ArchivePlace } from '../domain/archive.ts';

const FORM = 's3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION';

/** Of the rules for names of buckets, those that keep addresses whole. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Names of objects are these, a slash and a recording's key. */
const PREFIX = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/|$)){0,8}$/;
const LONGEST_PREFIX = 256;
const REGION = /^[a-z0-9-]{1,40}$/;
const PARAMETERS: readonly string[] = ['endpoint', 'region'];

type Parsed = { readonly value: ArchivePlace } | { readonly remedy: string };

/** `s3://BUCKET/PREFIX?endpoint=…&region=…`; without an endpoint Amazon's of the region. */
export function parseArchivePlace(text: string): Parsed {
  const url = URL.parse(text);
  // An address would be made shorter by its dots, in silence.
  if (url === null || /#|\/\.{1,2}(?:[/?]|$)/.test(text)) return { remedy: `write ${FORM}` };
  const { searchParams: given, host: bucket } = url;
  if (url.username !== '' || url.password !== '') {
    return { remedy: 'give the keys as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' };
  }
  if (!BUCKET.test(bucket)) return { remedy: `name a bucket: ${FORM}` };
  const unknown = [...given.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) return { remedy: `only endpoint and region can be given: ${FORM}` };
  const prefix = url.pathname.replace(/^\//, '').replace(/\/$/, '');
  if (!PREFIX.test(prefix) || prefix.length > LONGEST_PREFIX) {
    return { remedy: 'a prefix is made of letters, digits, _ - . and single slashes' };
  }
  const region = given.get('region') ?? 'us-east-1';
  if (!REGION.test(region)) return { remedy: 'name a region, such as eu-central-1' };
  const endpoint = endpointOf(given.get('endpoint'), region);
  if (endpoint === null) return { remedy: 'an endpoint is https://HOST or http://HOST:PORT' };
  // Amazon's certificates are for one name below its own: a dot would make two.
  const pathStyle = given.has('endpoint') || bucket.includes('.');
  const place = { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint, region };
  return { value: { text, ...place, pathStyle } };
}

function endpointOf(text: string | null, region: string): string | null {
  if (text === null) return `https://s3.${region}.amazonaws.com`;
  const url = URL.parse(text);
  const isPlain =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '';
  return isPlain ? url.origin : null;
}
