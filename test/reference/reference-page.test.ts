/** The reference page at `/docs` in a real browser: on a phone and on a desktop, in light and in dark mode. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../console/chromium.ts';
import { findAccessibilityViolations } from '../console/page.ts';
import { type Stack, startStack } from '../harness/stack.ts';

/** Chromium is installed first if it is missing. */
const INSTALL_TIMEOUT_MS = 600_000;

let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  stack = await startStack({ startsAdapter: false });
  browser = await launchChromium();
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

it.each([
  ['a phone', 360, 'dark'],
  ['a desktop', 1280, 'light'],
] as const)(
  'fits the screen of %s, loads nothing from other hosts, and is accessible',
  async (_, width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`http://127.0.0.1:${stack.port}/docs`);
    expect([...hosts]).toEqual([`127.0.0.1:${stack.port}`]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await findAccessibilityViolations(page)).toEqual([]);
    await page.close();
  },
  120_000,
);

it('loads its styles under its own Content-Security-Policy, and redirects the URL of a problem type to its description', async () => {
  const page = await browser.newPage();
  const consoleMessages: string[] = [];
  page.on('console', (message) => consoleMessages.push(message.text()));
  await page.goto(`http://127.0.0.1:${stack.port}/docs/errors#too-many`);
  expect(page.url()).toBe(`http://127.0.0.1:${stack.port}/docs#too-many`);
  expect(await page.locator('#too-many + dd').textContent()).toMatch(/^a limit is exceeded/);
  const maxWidth = await page.evaluate('getComputedStyle(document.body).maxWidth');
  expect(maxWidth).not.toBe('none');
  expect(consoleMessages).toEqual([]);
  await page.close();
});
