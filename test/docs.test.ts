/** What is made from the code and stands in `docs/` is as the code is now. */
import { expect, it } from 'vitest';
import { made, PAGES } from '../docs/generate/main.ts';

it.each(Object.entries(PAGES))('docs/%s is up to date; if not: npm run docs', async (page, parts) => {
  const { is, be } = await made(page, parts);
  expect(is).toBe(be);
});
