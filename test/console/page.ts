/** Opens the console in a browser and inspects it. @module */

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** The folder for screenshots. */
const SCREENSHOT_FOLDER = resolve(import.meta.dirname, '../../test-output/console');

export const DESKTOP = { viewport: { width: 1280, height: 860 } } as const;
export const MOBILE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
} as const;

/** The timeout of a locator. It is below the test's own timeout, so that the error shows what was waited for. */
const LOCATOR_TIMEOUT_MS = 15_000;

/** Opens the console in a new browser context. Errors of the page are collected in `errors`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = DESKTOP,
): Promise<{ readonly page: Page; readonly errors: string[] }> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(LOCATOR_TIMEOUT_MS);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    const { url: source } = message.location();
    // The browser logs lost connections and refused requests as errors of the page.
    if (message.type() === 'error' && !/WebSocket|net::ERR|status of (?:401|429|5\d\d)/.test(message.text()))
      errors.push(`${message.text()} (${source})`);
  });
  await page.goto(url);
  return { page, errors };
}

export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOT_FOLDER, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOT_FOLDER, `${name}.png`) });
}

/** For {@link findAccessibilityViolations}: the contrast of a color in the middle of a transition does not count. */
export const REDUCED_MOTION = { reducedMotion: 'reduce' } as const;

/** Returns the serious and critical violations that axe finds, as texts. */
export async function findAccessibilityViolations(page: Page): Promise<string[]> {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(await readFile(axe, 'utf8'));
  const result = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; help: string; nodes: { html: string }[] }[];
  };
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** Returns the texts of the completed steps, in order. */
export function completedSteps(page: Page, method: string): Promise<string[]> {
  return page.locator(`[data-method="${method}"] [data-step="done"] .text`).allInnerTexts();
}
