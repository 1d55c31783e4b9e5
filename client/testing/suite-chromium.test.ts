/** Runs the client's test suite in Chromium, bundled into a page. Each test case is also a test here. */
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchChromium } from '../../test/console/chromium.ts';
import { suite } from './suite/index.ts';

let browser: Browser;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  const [launched, bundle] = await Promise.all([
    launchChromium(),
    build({
      entryPoints: [join(import.meta.dirname, 'suite/index.ts')],
      bundle: true,
      format: 'iife',
      globalName: 'inPage',
      write: false,
    }),
  ]);
  browser = launched;
  page = await browser.newPage();
  // Includes unhandled rejections.
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(`http://${inject('host')}/`);
  await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
}, 400_000);
afterAll(async () => {
  await browser.close();
  expect(errors).toEqual([]);
});

describe.each(Object.entries(suite))('%s', (group, testCases) => {
  it.each(testCases.map(({ name }, n) => ({ name, n })))('$name', async ({ n }) => {
    await page.evaluate(
      `inPage.suite[${JSON.stringify(group)}][${n}].run(${JSON.stringify(inject('host'))})`,
    );
  });
});
