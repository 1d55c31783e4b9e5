/** The page at `/docs` in a real browser: on a phone and on a desk, in light and in dark. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../console/chromium.ts';
import { faults } from '../console/page.ts';
import { type Stack, startStack } from '../stack/stack.ts';

/** Milliseconds: where there is no Chromium, one is installed first. */
const INSTALL_MS = 600_000;

let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  stack = await startStack({ adapter: false });
  browser = await launchChromium();
}, INSTALL_MS);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

it.each([
  ['a phone', 360, 'dark'],
  ['a desk', 1280, 'light'],
] as const)(
  'is read on %s without anything of another host, and by those who cannot see',
  async (_, width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`http://127.0.0.1:${stack.port}/docs`);
    expect([...hosts]).toEqual([`127.0.0.1:${stack.port}`]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await faults(page)).toEqual([]);
    await page.close();
  },
  120_000,
);

it('is styled under its own policy, and leads from a problem to what it means', async () => {
  const page = await browser.newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto(`http://127.0.0.1:${stack.port}/docs/errors#too-many`);
  expect(page.url()).toBe(`http://127.0.0.1:${stack.port}/docs#too-many`);
  expect(await page.locator('#too-many + dd').textContent()).toMatch(/^too many/);
  const maxWidth = await page.evaluate('getComputedStyle(document.body).maxWidth');
  expect(maxWidth).not.toBe('none');
  expect(said).toEqual([]);
  await page.close();
});
