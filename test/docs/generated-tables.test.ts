/** The generated sections of the pages in docs/ match the code. */
import { expect, it } from 'vitest';
import { PAGES, renderPage } from '../../docs/generate/main.ts';

it.each(Object.entries(PAGES))('docs/%s is up to date (npm run docs)', async (page, generators) => {
  const { current, generated } = await renderPage(page, generators);
  expect(current).toBe(generated);
});
