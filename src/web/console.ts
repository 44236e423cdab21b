import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { HTTP_STATUS } from '../domain/error-entry.ts';
import { CATALOGUE, PosternError, sentence } from '../domain/errors.ts';
import { printable, reasonOf } from '../domain/log.ts';
import { alertPages } from './alert-pages.ts';
import { approvalPages } from './approval-pages.ts';
import { Assets } from './assets.ts';
import { ownPagesOnly } from './cross-site.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';
import { errorPage } from './error-page.ts';
import { replayPages } from './replay-pages.ts';
import { searchPages } from './search-pages.ts';
import { sessionPages } from './session-pages.ts';
import { SignIn } from './sign-in.ts';
import { onwards, signInRoutes } from './sign-in-routes.ts';
import { stackPages } from './stack-pages.ts';
import { terminalPages } from './terminal-pages.ts';

const FORM_LIMIT = 16 * 1024;

const TITLES: Readonly<Record<number, string>> = {
  400: 'This cannot be done',
  403: 'Not allowed',
  404: 'Not found',
  409: 'This cannot be done',
  429: 'Too many attempts',
  503: 'Not available',
};

/** Nothing from another host, nothing inline; WebAssembly, which the player is made of. */
const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  fontSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

function middleware(app: Hono<ConsoleEnv>, deps: ConsoleDeps, signIn: SignIn): void {
  app.use(
    secureHeaders({
      contentSecurityPolicy: CONTENT_SECURITY_POLICY,
      crossOriginResourcePolicy: 'same-origin',
      xFrameOptions: 'DENY',
      // Not no-referrer: browsers then send `Origin: null` with our own forms, which would make
      // them look like another site's (Fetch, "append a request Origin header").
      referrerPolicy: 'same-origin',
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    c.set('source', deps.clientAddress(c));
    c.set('viewer', null);
    c.set('viewer', await signIn.viewer(c));
    await next();
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store');
  });
  app.use(ownPagesOnly(deps.publicUrl));
  app.use(
    bodyLimit({
      maxSize: FORM_LIMIT,
      onError: () => {
        throw new PosternError('request.too_large', { limit: FORM_LIMIT });
      },
    }),
  );
}

function assetRoutes(app: Hono<ConsoleEnv>, assets: Assets): void {
  app.get('/assets/*', (c) => {
    const answer = assets.answer(c.req.path, c.req.header('if-none-match'));
    if (answer === null) throw new PosternError('request.not_found');
    return answer;
  });
  app.get('/favicon.ico', (c) => c.redirect(assets.path('favicon.svg'), 302));
}

function failed(deps: ConsoleDeps, assets: Assets) {
  return (thrown: Error, c: Context<ConsoleEnv>) => {
    const viewer = c.get('viewer') ?? null;
    if (!(thrown instanceof PosternError)) {
      deps.log.error('console request failed', {
        path: printable(c.req.path),
        reason: reasonOf(thrown),
      });
      const message = sentence('internal');
      return c.html(errorPage(assets, viewer, { title: 'An error', message }), 500);
    }
    if (thrown.code === 'request.unauthorized' && c.req.method === 'GET') {
      const next = onwards(c.req.path);
      const query = next === '/' ? '' : `?next=${encodeURIComponent(next)}`;
      return c.redirect(`/signin${query}`, 303);
    }
    const status = HTTP_STATUS[CATALOGUE[thrown.code].api];
    const title = TITLES[status] ?? 'An error';
    return c.html(errorPage(assets, viewer, { title, message: thrown.message }), status);
  };
}

/** The web console, to be mounted at `/` beside the API: plain pages, behind a sign-in. */
export function createConsole(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  const assets = new Assets();
  const signIn = new SignIn(deps);
  middleware(app, deps, signIn);
  assetRoutes(app, assets);
  signInRoutes(app, assets, signIn);
  sessionPages(app, deps, assets);
  replayPages(app, deps);
  approvalPages(app, deps, assets);
  searchPages(app, deps, assets);
  alertPages(app, deps, assets);
  stackPages(app, deps, assets);
  terminalPages(app, deps, assets);
  app.onError(failed(deps, assets));
  app.all('*', () => {
    throw new PosternError('request.not_found');
  });
  return app;
}
