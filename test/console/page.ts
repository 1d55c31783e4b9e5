/** The console in a browser, as a person has it before them. @module */

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** Screenshots are kept here, to be looked at. */
const OUTPUT = resolve(import.meta.dirname, '../../test-output/console');

export const DESKTOP = { viewport: { width: 1280, height: 860 } } as const;
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;

/** What does not come within this long does not come: below the test's own, so that it is told what was waited for. */
const PATIENCE_MS = 15_000;

/** A window of its own, as of another person. What its page throws is kept in `errors`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = DESKTOP,
): Promise<{ readonly page: Page; readonly errors: string[] }> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    const { url: from } = message.location();
    // Lost connections and refusals are told by the browser itself as errors of the page.
    if (message.type() === 'error' && !/WebSocket|net::ERR|status of 401/.test(message.text()))
      errors.push(`${message.text()} (${from})`);
  });
  await page.goto(url);
  return { page, errors };
}

export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name}.png`) });
}

/** For {@link faults}: a colour on its way to another, halfway, has no contrast that anybody would be shown for long. */
export const STILL = { reducedMotion: 'reduce' } as const;

/** What axe finds wrong that is serious or worse, in words. */
export async function faults(page: Page): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(await readFile(axe, 'utf8'));
  const found = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; help: string; nodes: { html: string }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** The steps that are done, in order, as they are read. */
export function stepsDone(page: Page, method: string): Promise<string[]> {
  return page.locator(`[data-method="${method}"] [data-step="done"] .text`).allInnerTexts();
}
