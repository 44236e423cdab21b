/** What a browser says of the page that made a request; undefined: the header was not there. */
export interface PageHeaders {
  readonly site: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

/**
 * Whether a request was made by a page of this site. Browsers say so in `Sec-Fetch-Site`, which no
 * page can forge, and on plain HTTP in `Origin`. What says neither is none.
 */
export function isOwnPage({ site, origin, host }: PageHeaders, publicUrl: string): boolean {
  if (site !== undefined) return site === 'same-origin';
  const from = hostOf(origin ?? '');
  if (from === null) return false;
  return from === host || from === hostOf(publicUrl);
}
