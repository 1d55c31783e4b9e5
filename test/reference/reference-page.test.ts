/** The reference pages in a real browser: on a phone and on a desktop, in light and in dark mode. */
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
  ['/docs', 'a phone', 360, 'dark'],
  ['/docs', 'a desktop', 1280, 'light'],
  ['/docs/http', 'a phone', 360, 'light'],
  ['/docs/http', 'a desktop', 1280, 'dark'],
] as const)(
  '%s fits the screen of %s, loads nothing from other hosts, and is accessible',
  async (path, _, width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`http://127.0.0.1:${stack.port}${path}`);
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

it.each([
  ['/docs', 'blind destination', '#CallBlindTransfer', '#CallEnd'],
  ['/docs/http', 'attended-transfer', '#attendedTransfer', '#start'],
])('searches %s without a violation of its Content-Security-Policy', async (path, query, match, other) => {
  const page = await browser.newPage();
  const consoleMessages: string[] = [];
  page.on('console', (message) => consoleMessages.push(message.text()));
  await page.goto(`http://127.0.0.1:${stack.port}${path}`);
  await page.keyboard.press('/');
  await page.keyboard.type(query);
  expect(await page.locator(match).isVisible()).toBe(true);
  expect(await page.locator(other).isVisible()).toBe(false);
  expect(await page.locator('#search-status').textContent()).toMatch(/^\d+ match(es)?$/);
  await page.keyboard.type(' no-such-word');
  expect(await page.locator('#search-status').textContent()).toBe('No matches');
  expect(await page.locator('h2:visible').count()).toBe(0);
  // A link to an entry that the search hides shows it again.
  await page.evaluate(`location.hash = '${other}'`);
  await page.locator(other).waitFor({ state: 'visible' });
  expect(consoleMessages).toEqual([]);
  await page.close();
});

it('shows one request sample of an operation at a time', async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${stack.port}/docs/http#start`);
  const samples = page.locator('#start .samples');
  expect(await samples.locator('pre:visible').textContent()).toContain('curl -X POST "$EDGE_URL/v1/calls"');
  await samples.getByText('Python', { exact: true }).click();
  expect(await samples.locator('pre:visible').allTextContents()).toEqual([
    expect.stringContaining('requests.post('),
  ]);
  await page.close();
});
