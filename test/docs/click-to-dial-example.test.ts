/** The unmodified page docs/examples/click-to-dial.html, in a real browser with the full stack. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../console/chromium.ts';
import { phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';

const PAGE = resolve(import.meta.dirname, '../../docs/examples/click-to-dial.html');

/** Chromium is installed first if it is missing. */
const INSTALL_TIMEOUT_MS = 600_000;

let stack: Stack;
let browser: Browser;
let pageUrl: string;
const server = createServer(async (_, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8').end(await readFile(PAGE));
});

beforeAll(async () => {
  stack = await startStack();
  server.listen(0, '127.0.0.1');
  browser = await launchChromium();
  pageUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  server.close();
  await stack?.[Symbol.asyncDispose]();
});

/** Opens the page and fills in its form. Returns functions that operate it. */
async function openPage(caller: string, callee: string) {
  const page = await browser.newPage();
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(pageUrl);
  await page.getByLabel('Call API URL').fill(`ws://127.0.0.1:${stack.port}/call-api`);
  await page.getByLabel('Caller').fill(phoneUri(caller));
  await page.getByLabel('Callee').fill(phoneUri(callee));
  return {
    page,
    hosts,
    errors,
    press: (name: string) => page.getByRole('button', { name, exact: true }).click(),
    /** Resolves when the page shows an event, with all events so far. */
    waitForEvent: async (event: string | RegExp, times = 1) => {
      await page
        .getByRole('listitem')
        .filter({ hasText: event })
        .nth(times - 1)
        .waitFor();
      return page.getByRole('listitem').allTextContents();
    },
    enabledButtons: () => enabledButtons(page),
  };
}

async function enabledButtons(page: Page): Promise<string[]> {
  const buttons = await page.getByRole('button', { disabled: false }).allTextContents();
  return buttons.sort();
}

it('starts, holds, resumes and ends a call, and shows each event', async () => {
  const { page, press, waitForEvent, enabledButtons, hosts, errors } = await openPage('alice', 'answer-200');
  expect(await enabledButtons()).toEqual(['Call']);
  await press('Call');
  const events = await waitForEvent('CallStart: Ended');
  expect(events.filter((event) => event !== 'CallStart: TransferPending')).toEqual([
    'CallStart: CallerRinging',
    'CallStart: CallerAnswered',
    'CallStart: Transferring',
    'CallStart: TransferStart',
    'CallStart: CalleeAnswered',
    'CallStart: Ended',
  ]);
  expect(await enabledButtons()).toEqual(['End', 'Hold']);
  await press('Hold');
  await waitForEvent('CallHold: Ended');
  expect(await enabledButtons()).toEqual(['End', 'Resume']);
  await press('Resume');
  await waitForEvent('CallUnhold: Ended');
  expect(await enabledButtons()).toEqual(['End', 'Hold']);
  await press('End');
  await waitForEvent('CallEnd: Ended');
  expect(await enabledButtons()).toEqual(['Call']);
  const [call] = stack.simulator.ledger.dialogs.filter(({ to }) => to.includes('answer-200')).slice(-1);
  expect(call?.state).toBe(5);
  expect([...hosts]).toEqual([new URL(pageUrl).host]);
  expect(errors).toEqual([]);
  await page.close();
});

it('ends a call that is still ringing', async () => {
  const { page, press, waitForEvent, enabledButtons } = await openPage('ring', 'bob');
  await press('Call');
  await waitForEvent('CallStart: CallerRinging');
  expect(await enabledButtons()).toEqual(['End']);
  await press('End');
  await waitForEvent('CallStart: failed to establish initial call: 487 Request Terminated');
  await waitForEvent('CallEnd: Ended');
  expect(await enabledButtons()).toEqual(['Call']);
  await page.close();
});

it('shows why a call failed and why a request was refused', async () => {
  const { page, press, waitForEvent, enabledButtons } = await openPage('alice', 'phone-busy');
  await press('Call');
  await waitForEvent('CallStart: transfer failed with status 486 Busy Here');
  await waitForEvent('CallStart: Ended');
  expect(await enabledButtons()).toEqual(['Call']);
  await page.getByLabel('Callee').fill('bob');
  await press('Call');
  await waitForEvent(/^CallStart: callee: .*not a SIP URI/);
  expect(await enabledButtons()).toEqual(['Call']);
  await page.close();
});

it('shows that there is no connection', async () => {
  const { page, press, waitForEvent, enabledButtons } = await openPage('alice', 'bob');
  await page.getByLabel('Call API URL').fill('ws://127.0.0.1:1/call-api');
  await press('Call');
  await waitForEvent('Disconnected. Check the URL and the token');
  expect(await enabledButtons()).toEqual(['Call']);
  await page.close();
});
