/** There is a browser, or these tests fail: nothing passes by leaving it out. */
import { expect, it } from 'vitest';
import { type Found, findChromium, installChromium } from './chromium.ts';

const installed: Found = { executablePath: '/installed', args: [] };

it('takes the one that is named, and says so where that cannot be run', async () => {
  const { execPath } = process;
  expect((await findChromium({ CHROMIUM: execPath })).executablePath).toBe(execPath);
  await expect(findChromium({ CHROMIUM: '/nowhere/chromium' })).rejects.toThrow('CHROMIUM names /nowhere');
});

it('installs one where there is none on the PATH or in the usual places', async () => {
  const found = await findChromium({ PATH: '/nowhere' }, ['/nowhere/chrome'], async () => installed);
  expect(found).toBe(installed);
});

it('tries each way to install one, and fails clearly where none works', async () => {
  const broken = (why: string) => async () => {
    throw new Error(why);
  };
  expect(await installChromium([broken('no line'), async () => installed])).toBe(installed);
  const failed = installChromium([broken('no line'), broken('no room')]);
  await expect(failed).rejects.toThrow(/need a Chromium.*CHROMIUM=.*no line.*no room/s);
});
