/** The example in `docs/examples`, as it stands there, in a real browser against the whole stack. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from './console/chromium.ts';
import { phone } from './stack/client.ts';
import { type Stack, startStack } from './stack/stack.ts';

const PAGE = resolve(import.meta.dirname, '../docs/examples/click-to-dial.html');

/** Milliseconds: where there is no Chromium, one is installed first. */
const INSTALL_MS = 600_000;

let stack: Stack;
let browser: Browser;
let site: string;
const server = createServer(async (_, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8').end(await readFile(PAGE));
});

beforeAll(async () => {
  stack = await startStack();
  server.listen(0, '127.0.0.1');
  browser = await launchChromium();
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, INSTALL_MS);
afterAll(async () => {
  await browser?.close();
  server.close();
  await stack?.[Symbol.asyncDispose]();
});

/** The page, filled in; and what it does. */
async function open(caller: string, callee: string) {
  const page = await browser.newPage();
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(site);
  await page.getByLabel('Call API').fill(`ws://127.0.0.1:${stack.port}/call-api`);
  await page.getByLabel('Your phone').fill(phone(caller));
  await page.getByLabel('Whom to call').fill(phone(callee));
  return {
    page,
    hosts,
    errors,
    press: (name: string) => page.getByRole('button', { name, exact: true }).click(),
    /** Resolves when it has told this step, with all of them so far. */
    told: async (step: string, times = 1) => {
      await page
        .getByRole('listitem')
        .filter({ hasText: step })
        .nth(times - 1)
        .waitFor();
      return page.getByRole('listitem').allTextContents();
    },
    enabled: () => enabled(page),
  };
}

async function enabled(page: Page): Promise<string[]> {
  const buttons = await page.getByRole('button', { disabled: false }).allTextContents();
  return buttons.sort();
}

it('dials, holds, resumes and ends a call, and shows each step', async () => {
  const { page, press, told, enabled, hosts, errors } = await open('alice', 'answer-200');
  expect(await enabled()).toEqual(['Call']);
  await press('Call');
  const steps = await told('CallStart: Ended');
  expect(steps.filter((step) => step !== 'CallStart: TransferPending')).toEqual([
    'CallStart: CallerRinging',
    'CallStart: CallerAnswered',
    'CallStart: Transferring',
    'CallStart: TransferStart',
    'CallStart: CalleeAnswered',
    'CallStart: Ended',
  ]);
  expect(await enabled()).toEqual(['End', 'Hold']);
  await press('Hold');
  await told('CallHold: Ended');
  expect(await enabled()).toEqual(['End', 'Resume']);
  await press('Resume');
  await told('CallUnhold: Ended');
  expect(await enabled()).toEqual(['End', 'Hold']);
  await press('End');
  await told('CallEnd: Ended');
  expect(await enabled()).toEqual(['Call']);
  const [call] = stack.simulator.ledger.dialogs.filter(({ to }) => to.includes('answer-200')).slice(-1);
  expect(call?.state).toBe(5);
  expect([...hosts]).toEqual([new URL(site).host]);
  expect(errors).toEqual([]);
  await page.close();
});

it('ends a call that still rings', async () => {
  const { page, press, told, enabled } = await open('ring', 'bob');
  await press('Call');
  await told('CallStart: CallerRinging');
  expect(await enabled()).toEqual(['End']);
  await press('End');
  await told('CallStart: failed to establish initial call: 487 Request Terminated');
  await told('CallEnd: Ended');
  expect(await enabled()).toEqual(['Call']);
  await page.close();
});

it('says why a call did not come about, and why a request was refused', async () => {
  const { page, press, told, enabled } = await open('alice', 'phone-busy');
  await press('Call');
  await told('CallStart: transfer failed with status 486 Busy Here');
  await told('CallStart: Ended');
  expect(await enabled()).toEqual(['Call']);
  await page.getByLabel('Whom to call').fill('bob');
  await press('Call');
  await told('CallStart: callee: not a SIP URI');
  expect(await enabled()).toEqual(['Call']);
  await page.close();
});

it('says so where there is no connection', async () => {
  const { page, press, told, enabled } = await open('alice', 'bob');
  await page.getByLabel('Call API').fill('ws://127.0.0.1:1/call-api');
  await press('Call');
  await told('Not connected');
  expect(await enabled()).toEqual(['Call']);
  await page.close();
});
