/** The client in Chromium: the same suite, bundled into a page. Each promise is a test of its own here too. */
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchChromium } from '../test/console/chromium.ts';
import { suite } from './testing/suite/index.ts';

let browser: Browser;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  const [launched, bundle] = await Promise.all([
    launchChromium(),
    build({
      entryPoints: [join(import.meta.dirname, 'testing/suite/index.ts')],
      bundle: true,
      format: 'iife',
      globalName: 'inPage',
      write: false,
    }),
  ]);
  browser = launched;
  page = await browser.newPage();
  // A rejection that nobody has looked at is one.
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(`http://${inject('host')}/`);
  await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
}, 400_000);
afterAll(async () => {
  await browser.close();
  expect(errors).toEqual([]);
});

describe.each(Object.entries(suite))('%s', (group, promises) => {
  it.each(promises.map(({ name }, n) => ({ name, n })))('$name', async ({ n }) => {
    await page.evaluate(
      `inPage.suite[${JSON.stringify(group)}][${n}].show(${JSON.stringify(inject('host'))})`,
    );
  });
});
