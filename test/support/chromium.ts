import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { the } from './requirements.ts';

/** A page of a real browser, and what went wrong in it so far. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Console errors, uncaught errors, failed requests and answers of 400 and more. */
  readonly problems: readonly string[];
  /** Origins that requests were made to. */
  readonly origins: ReadonlySet<string>;
}

/** As root and without a GPU, and without what it does on its own account. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function watch(context: BrowserContext, problems: string[], origins: Set<string>): void {
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:') origins.add(origin);
  });
  context.on('requestfailed', (request) => {
    problems.push(`${request.url()}: ${request.failure()?.errorText ?? 'failed'}`);
  });
  context.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  context.on('weberror', (error) => {
    problems.push(`uncaught: ${error.error().message}`);
  });
}

export async function openPage(): Promise<OpenPage> {
  const browser: Browser = await chromium.launch({ executablePath: the('chromium'), args: ARGS });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(15_000);
    const problems: string[] = [];
    const origins = new Set<string>();
    watch(context, problems, origins);
    const page = await context.newPage();
    return { page, problems, origins, [Symbol.asyncDispose]: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
