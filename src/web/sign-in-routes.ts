import type { Context, Hono } from 'hono';
import { PosternError } from '../domain/errors.ts';
import type { Assets } from './assets.ts';
import type { ConsoleEnv } from './deps.ts';
import { codePage, enrolmentPage, recoveryPage } from './factor-pages.ts';
import type { SignIn, Step } from './sign-in.ts';
import { linkPage, signInPage } from './sign-in-pages.ts';

/** Where a sign-in goes on to: a page of this console, whatever the form says. */
export function onwards(next: string): string {
  return /^\/(?:sessions\/[0-9]{1,16}|approvals(?:\/[0-9]{1,16})?|terminal)$/.test(next)
    ? next
    : '/';
}

/** A field of a form; empty when it was not sent or is a file. */
async function formOf(c: Context<ConsoleEnv>): Promise<(name: string) => string> {
  const form = await c.req.parseBody();
  return (name) => {
    const value = form[name];
    return typeof value === 'string' ? value : '';
  };
}

/** The enrolment that a form was shown with: what it sends is shown to the same browser again. */
function uriOf(text: string): string | null {
  const ours = /^otpauth:\/\/totp\/Postern:[\w.%-]{1,200}\?secret=[A-Z2-7]{32}&issuer=Postern$/;
  return ours.test(text) ? text : null;
}

function afterStep(c: Context<ConsoleEnv>, step: Step, next: string): Response {
  if (step === 'done') return c.redirect(next, 303);
  const query = next === '/' ? '' : `?next=${encodeURIComponent(next)}`;
  return c.redirect(`/signin/code${query}`, 303);
}

function codeRoutes(app: Hono<ConsoleEnv>, assets: Assets, signIn: SignIn): void {
  app.get('/signin/code', async (c) => {
    const user = await signIn.halfUser(c);
    if (user === null) return c.redirect('/signin', 303);
    const enrolment = await signIn.enrolment(user);
    const form = { next: onwards(c.req.query('next') ?? ''), problem: null, uri: null };
    if (enrolment === null) return c.html(codePage(assets, form));
    return c.html(enrolmentPage(assets, { ...form, uri: enrolment.uri }));
  });

  app.post('/signin/code', async (c) => {
    const user = await signIn.halfUser(c);
    if (user === null) return c.redirect('/signin', 303);
    const field = await formOf(c);
    const next = onwards(field('next'));
    try {
      const codes = await signIn.withCode(c, user, field('code'));
      return codes.length === 0 ? c.redirect(next, 303) : c.html(recoveryPage(assets, codes, next));
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'console.code') throw error;
      const uri = uriOf(field('uri'));
      const form = { next, problem: error.message };
      const page =
        uri === null ? codePage(assets, { ...form, uri }) : enrolmentPage(assets, { ...form, uri });
      return c.html(page, 401);
    }
  });
}

export function signInRoutes(app: Hono<ConsoleEnv>, assets: Assets, signIn: SignIn): void {
  app.get('/signin', (c) => {
    const next = onwards(c.req.query('next') ?? '');
    if (c.get('viewer') !== null) return c.redirect(next, 303);
    return c.html(signInPage(assets, { next, name: '', problem: null }));
  });

  app.post('/signin', async (c) => {
    const field = await formOf(c);
    const [name, next] = [field('name'), onwards(field('next'))];
    try {
      return afterStep(c, await signIn.withPassword(c, name, field('password')), next);
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'console.sign_in') throw error;
      return c.html(signInPage(assets, { next, name, problem: error.message }), 401);
    }
  });

  // Before the links, whose form it has.
  codeRoutes(app, assets, signIn);

  app.get('/signin/:link', (c) => c.html(linkPage(assets, c.req.param('link').slice(0, 200))));

  app.post('/signin/:link', async (c) =>
    afterStep(c, await signIn.withLink(c, c.req.param('link')), '/'),
  );

  app.post('/signout', async (c) => {
    const viewer = c.get('viewer');
    if (viewer !== null) await signIn.out(c, viewer);
    return c.redirect('/signin', 303);
  });
}
