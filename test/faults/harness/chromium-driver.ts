/** Drives the shipped client in a page of Chromium. @module */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import type { Call } from '../../../client/index.ts';
import { launchChromium } from '../../console/chromium.ts';
import type { Driver, Report } from './client-driver.ts';

let browser: Promise<Browser> | undefined;
let bundle: Promise<string> | undefined;
let emptyPage: Promise<string> | undefined;

/** Returns the browser of this process, which all pages share. It ends with the process. */
export function sharedBrowser(): Promise<Browser> {
  browser ??= launchChromium();
  return browser;
}

/** Closes the browser, if there is one. */
export async function closeSharedBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/**
 * Opens a page with a client in it. An error of the page that nobody handles is reported as a violation.
 * @param url where clients connect
 */
export async function startChromiumDriver(
  url: string,
  session: string,
  report: (report: Report) => void,
  onPageError: (message: string) => void,
): Promise<Driver> {
  bundle ??= bundleDriver();
  const page = await (await sharedBrowser()).newPage();
  page.on('pageerror', ({ message }) => onPageError(`the page has the error ${message}`));
  await page.exposeFunction('report', report);
  emptyPage ??= serveEmptyPage();
  await page.goto(await emptyPage);
  await page.addScriptTag({ content: await bundle });
  const evaluate = <T>(method: string, ...args: readonly unknown[]): Promise<T> =>
    page.evaluate<T>(`driver.${method}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
  await page.evaluate(
    `globalThis.driver = inPage.startDriver(${JSON.stringify({ url, session })}, report); undefined`,
  );
  const ignoreClosedPage = (result: Promise<unknown>) => void result.catch(() => {});
  return {
    run: (...args) => ignoreClosedPage(evaluate('run', ...args)),
    watch: (watch) => ignoreClosedPage(evaluate('watch', watch)),
    list: () => evaluate<readonly Call[]>('list'),
    close: () => ignoreClosedPage(evaluate('close').then(() => page.close())),
  };
}

/** Serves an empty page on loopback: Chromium lets no other page connect to an edge there. Returns its URL. */
async function serveEmptyPage(): Promise<string> {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function bundleDriver(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'client-driver.ts')],
    bundle: true,
    format: 'iife',
    globalName: 'inPage',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
