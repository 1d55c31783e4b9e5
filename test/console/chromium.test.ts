/** Without a browser the tests of the console fail. They are never skipped. */
import { expect, it } from 'vitest';
import { type ChromiumExecutable, findChromium, installChromium } from './chromium.ts';

const installed: ChromiumExecutable = { executablePath: '/installed', args: [] };

it('uses the executable that CHROMIUM names, and reports one that cannot be run', async () => {
  const { execPath } = process;
  expect((await findChromium({ CHROMIUM: execPath })).executablePath).toBe(execPath);
  await expect(findChromium({ CHROMIUM: '/nowhere/chromium' })).rejects.toThrow('CHROMIUM names /nowhere');
});

it('installs Chromium if there is none on the PATH or in a common place', async () => {
  const chromium = await findChromium({ PATH: '/nowhere' }, ['/nowhere/chrome'], async () => installed);
  expect(chromium).toBe(installed);
});

it('tries each method of installation, and reports all failures if none works', async () => {
  const failing = (reason: string) => async () => {
    throw new Error(reason);
  };
  expect(await installChromium([failing('no network'), async () => installed])).toBe(installed);
  const failure = installChromium([failing('no network'), failing('no space')]);
  await expect(failure).rejects.toThrow(/need a Chromium.*CHROMIUM=.*no network.*no space/s);
});
