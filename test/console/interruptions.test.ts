/** The console when tokens expire, sockets break inside a snapshot, and buttons are clicked twice. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Call } from '../../client/connection/call.ts';
import { waitUntil } from '../harness/stack.ts';
import { launchChromium } from './chromium.ts';
import { FakeEdge } from './fake-edge.ts';
import { openPage, screenshot } from './page.ts';

const ALICE = 'sip:alice@127.0.0.1:5060';
const BOB = 'sip:bob@127.0.0.1:5060';
const PRINCIPAL = { tenant: 'acme', site: 'north', subject: 'alice', caller: ALICE };

let browser: Browser;
let edge: FakeEdge;
let page: Page;
let errors: readonly string[];

beforeAll(async () => {
  browser = await launchChromium();
}, 400_000);
afterAll(() => browser.close());

beforeEach(async () => {
  edge = await FakeEdge.start();
});
afterEach(async () => {
  await page.context().close();
  await edge[Symbol.asyncDispose]();
  expect(errors).toEqual([]);
});

async function open(): Promise<void> {
  ({ page, errors } = await openPage(browser, edge.url));
}

const button = (name: string) => page.getByRole('button', { name, exact: true });
const status = () => page.locator('.connection').innerText();
const isLive = async () => (await status()).includes('Live');
const requests = (method: string) => edge.requests.filter((request) => request.method === method);

/** Waits for the requests of a method to be this many; returns the `cmd_id` of the last one. */
async function waitForRequests(method: string, count: number): Promise<string> {
  await waitUntil(() => requests(method).length >= count);
  expect(requests(method)).toHaveLength(count);
  return String(requests(method).at(-1)?.params['cmd_id']);
}

/** Opens the page of an edge that requires a token, and enters one. */
async function signIn(token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await button('Sign in').click();
}

async function openSignedIn(token: string, scopes: readonly string[] = ['read', 'CallStart', 'CallEnd']) {
  edge.principal = { ...PRINCIPAL, scopes };
  edge.revokedTokens.add('');
  await open();
  await signIn(token);
  await page.getByText('acme · north · alice').waitFor();
}

function call(callid: string, began: number): Omit<Call, 'seq'> {
  return { callid, state: 'answered', caller: ALICE, callee: BOB, origin: null, began };
}

/** Waits until the page has handled all messages before: it sends a request for each of these clicks. */
const activeCount = () => page.locator('.counts [data-state="answered"] dd').innerText();

it('stays signed in with a new token after the old one has expired, whatever the network does', async () => {
  await openSignedIn('old');
  await waitUntil(isLive);
  edge.revokedTokens.add('old');
  edge.closeSockets();
  await page.getByText('Your token is no longer valid').waitFor();
  await signIn('new');
  await waitUntil(isLive);
  for (const event of ['offline', 'online', 'offline', 'online']) {
    await page.evaluate(`dispatchEvent(new Event('${event}'))`);
    await waitUntil(() => edge.openSockets === 1);
  }
  edge.closeSockets();
  await waitUntil(isLive);
  expect(edge.openSockets).toBe(1);
  expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('new');
});

it.each([429, 500, 503])(
  'stays signed in while the edge says nothing about the token (%i)',
  async (temporary) => {
    await openSignedIn('token');
    await waitUntil(isLive);
    edge.isReachable = false;
    edge.meStatus = temporary;
    const isAsked = page.waitForResponse((response) => response.url().endsWith('/v1/me'));
    edge.closeSockets();
    expect((await isAsked).status()).toBe(temporary);
    edge.isReachable = true;
    await waitUntil(isLive);
    expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('token');
    edge.meStatus = 0;
    await page.reload();
    await page.getByText('acme · north · alice').waitFor();
  },
);

it('starts a new session when another window has taken over, and the old one stays closed', async () => {
  await open();
  await waitUntil(isLive);
  edge.closeSockets(4408);
  await page.getByText('Session opened in another window').waitFor();
  await page.evaluate(`dispatchEvent(new Event('online'))`);
  expect(await status()).toContain('Session opened in another window');
  expect(edge.openSockets).toBe(0);
  // Nothing can be sent.
  await page.getByLabel('Caller').fill(ALICE);
  await page.getByLabel('Callee').fill(BOB);
  expect(await button('Call').isDisabled()).toBe(true);
  await button('Retry').click();
  await waitUntil(isLive);
  expect(edge.openSockets).toBe(1);
});

it('signs in with a token that was copied with invisible characters, and says which text is no token', async () => {
  edge.revokedTokens.add('');
  edge.principal = { ...PRINCIPAL, scopes: ['read'] };
  await open();
  await signIn('tökén');
  await page.getByRole('alert').getByText('characters that no token has').waitFor();
  await screenshot(page, 'invalid-token');
  await signIn(' a-\u200Btoken\u00A0\uFEFF');
  await page.getByText('acme · north · alice').waitFor();
  expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('a-token');
});

it('keeps the session when a token entered in the account dialog is rejected', async () => {
  await openSignedIn('good');
  await waitUntil(isLive);
  edge.revokedTokens.add('bad');
  await button('Account').click();
  await signIn('bad');
  await page.getByRole('alert').getByText('invalid, expired or revoked').waitFor();
  await screenshot(page, 'rejected-token');
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  expect(await isLive()).toBe(true);
  expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('good');
});

it('has a way back from a stored token while the server does not respond', async () => {
  await openSignedIn('stored');
  await page.route('**/v1/me', (route) => route.abort());
  await page.reload();
  await page.getByText('The server is not responding').waitFor();
  await screenshot(page, 'unreachable');
  await button('Use another token').click();
  await page.getByLabel('Token').waitFor();
  await signIn('other');
  await page.getByRole('alert').getByText('The server is not responding. Try again.').waitFor();
  await page.unroute('**/v1/me');
  await button('Sign in').click();
  await page.getByText('acme · north · alice').waitFor();
});

it('dials once for a double click, a repeated key, and a click while the call is being set up', async () => {
  await open();
  await waitUntil(() => button('Call').isEnabled());
  await button('Call').dblclick();
  await page.getByLabel('Callee').press('Enter');
  const cmdId = await waitForRequests('CallStart', 1);
  expect(await button('Call').isDisabled()).toBe(true);
  await page.getByText('This call is being set up.').waitFor();
  await screenshot(page, 'setting-up');
  // Another call can be dialed meanwhile.
  await page.getByLabel('Callee').fill('sip:carol@example.com');
  await button('Call').click();
  await waitForRequests('CallStart', 2);
  await page.getByLabel('Callee').fill(BOB);
  expect(await button('Call').isDisabled()).toBe(true);
  edge.notify('CallStart', cmdId, 'Ended');
  await waitUntil(() => button('Call').isEnabled());
  await button('Call').click();
  await waitForRequests('CallStart', 3);
});

it('runs a command once while it is running, and ignores the second click when the button has changed', async () => {
  edge.changeCall('Answered', call('mine', 1));
  await open();
  await page.locator('[data-callid="mine"]').click();
  await button('Hold').dblclick();
  const cmdId = await waitForRequests('CallHold', 1);
  edge.changeCall('Held', { ...call('mine', 1), state: 'held', held: ['callee'] });
  await button('Resume').waitFor();
  for (const name of ['Resume', 'Transfer…']) expect(await button(name).isDisabled()).toBe(true);
  expect(await button('End').isEnabled()).toBe(true);
  edge.notify('CallHold', cmdId, 'Ended');
  await waitUntil(() => button('Resume').isEnabled());
  await button('End').dblclick();
  await waitForRequests('CallEnd', 1);
  expect(await button('End').isDisabled()).toBe(true);
  expect(requests('CallUnhold')).toEqual([]);
});

it('hangs up an answered call with a token that cannot view calls', async () => {
  await openSignedIn('token', ['CallStart', 'CallEnd']);
  await page.getByLabel('Callee').fill(BOB);
  await button('Call').click();
  const cmdId = await waitForRequests('CallStart', 1);
  edge.notify('CallStart', cmdId, 'CalleeAnswered', { callid: 'c1' });
  edge.notify('CallStart', cmdId, 'Ended');
  await page.locator('.call .facts [data-state="answered"]').waitFor();
  await screenshot(page, 'without-read');
  await button('End').click();
  const endCmdId = await waitForRequests('CallEnd', 1);
  expect(requests('CallEnd')[0]?.params['callid']).toBe('c1');
  edge.notify('CallEnd', endCmdId, 'Ended');
  await page.locator('.call .facts [data-state="ended"]').waitFor();
});

it('shows no list as live before its last page, also if the connection breaks in between', async () => {
  for (let n = 0; n < 5; n++) edge.changeCall('Answered', call(`c${n}`, n));
  edge.pageSize = 2;
  edge.answerPage = undefined;
  await open();
  await waitForRequests('CallList', 1);
  await waitUntil(async () => (await activeCount()) === '2');
  expect(await status()).toContain('Syncing');
  edge.closeSockets();
  await waitForRequests('CallList', 2);
  await waitUntil(async () => (await status()).includes('Syncing'));
  expect(await activeCount()).toBe('2');
  edge.answerPage = (result) => ({ result });
  edge.closeSockets();
  await waitUntil(isLive);
  await waitUntil(async () => (await activeCount()) === '5');
});

it('says that the list is incomplete if a page of it is refused, and loads it again', async () => {
  for (let n = 0; n < 5; n++) edge.changeCall('Answered', call(`c${n}`, n));
  edge.pageSize = 2;
  edge.answerPage = () => ({
    error: { code: -32603, message: 'Internal error', data: 'The log is damaged.' },
  });
  await open();
  await page.getByText('The list is incomplete').waitFor();
  await page.getByText('The log is damaged.').waitFor();
  expect(await status()).toContain('Calls not loaded');
  await screenshot(page, 'calls-not-loaded');
  edge.answerPage = (result) => ({ result });
  await button('Retry').click();
  await waitUntil(isLive);
  await waitUntil(async () => (await activeCount()) === '5');
  expect(await page.getByText('The list is incomplete').count()).toBe(0);
});
