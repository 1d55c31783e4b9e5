/** The console in a real browser, against the full stack: the Worker on workerd, the adapter and simulated phones. */
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { phoneUri } from '../harness/client.ts';
import { type Stack, spawnAdapter, startStack, waitUntil } from '../harness/stack.ts';
import { launchChromium } from './chromium.ts';
import { completedSteps, openPage, screenshot } from './page.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let browser: Browser;
let stack: Stack;
let proxy: TcpProxy;
const openedPages: { readonly page: Page; readonly errors: string[] }[] = [];

beforeAll(async () => {
  [browser, stack] = await Promise.all([launchChromium(), startStack()]);
  proxy = await startTcpProxy(stack.port);
}, 400_000);
afterAll(async () => {
  await browser.close();
  await proxy[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});
afterEach(async () => {
  const errors = openedPages.flatMap((opened) => opened.errors);
  for (const { page } of openedPages.splice(0)) await page.context().close();
  expect(errors).toEqual([]);
});

const url = () => `http://127.0.0.1:${stack.port}`;

async function open(address = url()): Promise<Page> {
  const opened = await openPage(browser, address);
  openedPages.push(opened);
  await opened.page.locator('.connection').getByText('Live').waitFor();
  return opened.page;
}

/** Dials a call on the page. Resolves with its Call-ID when both phones have answered. */
async function dial(page: Page, caller: string, callee: string): Promise<string> {
  await page.getByLabel('Caller').fill(phoneUri(caller));
  await page.getByLabel('Callee').fill(phoneUri(callee));
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  await page.locator('[data-method="CallStart"][data-ended="true"]').waitFor();
  await waitForState(page, 'answered');
  const callid = await page.locator('.call-row[aria-selected="true"]').getAttribute('data-callid');
  if (callid === null) throw new Error('the call is not in the list');
  return callid;
}

/** Waits until the selected call is in that state. */
const waitForState = (page: Page, state: string) =>
  page.locator(`.call .facts [data-state="${state}"]`).waitFor();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** Returns the Call-ID and the state of each listed call, sorted. */
async function listedCalls(page: Page): Promise<string[]> {
  const rows = await page.locator('.call-row').all();
  const calls = rows.map(
    async (row) => `${await row.getAttribute('data-callid')} ${await row.getAttribute('data-state')}`,
  );
  return (await Promise.all(calls)).sort();
}

/** Returns the Call-IDs of the simulator's active dialogs, sorted. */
function activeDialogs(): string[] {
  return stack.simulator.ledger.dialogs
    .filter(({ state }) => state < 5)
    .map(({ callid }) => callid)
    .sort();
}

it('shows each step of dial, hold, resume, transfer and end, also in a second browser that only watches', async () => {
  const [page, watcher] = await Promise.all([open(), open()]);
  const callid = await dial(page, 'answer-300', 'answer-400');
  expect(await completedSteps(page, 'CallStart')).toEqual([
    'Requested',
    'answer-300’s phone rings',
    'answer-300 answers',
    'answer-300’s phone calls answer-400',
    'answer-400 answers',
  ]);
  await screenshot(page, 'stack-answered');
  const watcherShows = (state: string) =>
    watcher.locator(`[data-callid="${callid}"][data-state="${state}"]`).waitFor();
  await watcherShows('answered');

  await button(page, 'Hold').click();
  await waitForState(page, 'held');
  await watcherShows('held');
  await screenshot(page, 'stack-held');
  await button(page, 'Resume').click();
  await waitForState(page, 'answered');
  await watcherShows('answered');

  await button(page, 'Transfer…').click();
  await page.getByLabel('Destination').fill(phoneUri('carol'));
  await button(page, 'Transfer').click();
  await page.locator('[data-method="CallBlindTransfer"][data-ended="true"]').waitFor();
  await waitUntil(() => activeDialogs().length === 1 && activeDialogs()[0] !== callid);
  await waitForState(page, 'answered');
  const [newCallid] = activeDialogs();
  for (const tab of [page, watcher])
    await tab.locator(`[data-callid="${newCallid}"][data-state="answered"]`).waitFor();
  await screenshot(watcher, 'stack-watcher');

  await button(page, 'End').click();
  await page.getByText('No active calls').waitFor();
  await watcher.getByText('No active calls').waitFor();
  expect(activeDialogs()).toEqual([]);
  await watcher.getByRole('radio', { name: 'Ended' }).check();
  await watcher.locator(`[data-callid="${newCallid}"]`).click();
  await watcher.locator('.timeline').getByText('Ended').waitFor();
});

it('connects the parties of two calls with an attended transfer', async () => {
  const page = await open();
  const first = await dial(page, 'keep.a', 'keep.b');
  const second = await dial(page, 'keep.c', 'keep.d');
  await page.locator(`[data-callid="${first}"]`).click();
  await button(page, 'Transfer…').click();
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Call to join').selectOption(second);
  await button(page, 'Transfer').click();
  await page.locator('[data-method="CallAttendedTransfer"][data-ended="true"]').waitFor();
  expect(await page.locator('[data-method="CallAttendedTransfer"] .error').innerText()).toBe('');
  await page.locator(`[data-callid="${first}"]`).waitFor({ state: 'detached' });
  await waitUntil(
    async () =>
      (await listedCalls(page))
        .map((call) => call.split(' ')[0])
        .sort()
        .join() === activeDialogs().join(),
  );
  for (const callid of activeDialogs()) {
    await page.locator(`[data-callid="${callid}"]`).click();
    await button(page, 'End').click();
    await page.locator(`.call-row[data-callid="${callid}"]`).waitFor({ state: 'detached' });
  }
});

it('shows everything that has happened while the network was down', async () => {
  const [page, watcher] = await Promise.all([open(proxy.url), open()]);
  const endedCallid = await stack.simulator.dial({ from: 'alice', to: 'keep.ended' });
  await page.locator(`[data-callid="${endedCallid}"]`).waitFor();
  await page.getByLabel('Caller').fill(phoneUri('answer-1500'));
  await page.getByLabel('Callee').fill(phoneUri('bob'));
  await button(page, 'Call').click();
  await page.locator('[data-method="CallStart"] [data-step="done"]').nth(1).waitFor();
  proxy.disconnect();
  await page.getByText('This list was last updated at').waitFor();
  // While the network is down, the dialed call is answered, another call starts, and one ends.
  await stack.simulator.dial({ from: 'carol', to: 'keep.dave' });
  const client = await stack.connectClient();
  await client.runToEnd('CallEnd', { callid: endedCallid });
  await watcher.locator('.call-row[data-state="answered"]').nth(1).waitFor();
  await watcher.locator(`[data-callid="${endedCallid}"]`).waitFor({ state: 'detached' });
  proxy.reconnect();
  await page.locator('.connection').getByText('nothing missed').waitFor();
  await page.locator('[data-method="CallStart"][data-ended="true"]').waitFor();
  expect(await completedSteps(page, 'CallStart')).toHaveLength(5);
  await waitUntil(async () => (await listedCalls(page)).join() === (await listedCalls(watcher)).join());
  expect((await listedCalls(page)).map((call) => call.split(' ')[0])).toEqual(activeDialogs());
  for (const callid of activeDialogs()) await client.runToEnd('CallEnd', { callid });
});

it('disables the buttons for a token without their scopes, and the server refuses the command as well', async () => {
  const ADMIN_SECRET = 'admin-secret-of-the-tests-0123456789';
  const secrets = { ADMIN_SECRET, KEY_SECRETS: 'test:key-secret-of-the-tests-0123456789' };
  await using deployment = await startStack({ entryPoint: 'worker/index.ts', startsAdapter: false, secrets });
  const edge = `http://127.0.0.1:${deployment.port}`;
  const post = async (path: string, credential: string, body: object) => {
    const headers = { Authorization: `Bearer ${credential}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${edge}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await response.json()) as { key: string; token: string };
  };
  await post('/v1/admin/tenants', ADMIN_SECRET, { id: 'acme' });
  await post('/v1/admin/tenants/acme/sites', ADMIN_SECRET, { id: 'north' });
  const keys = '/v1/admin/tenants/acme/keys';
  const adapterKey = await post(keys, ADMIN_SECRET, { role: 'adapter', site: 'north' });
  const apiKey = await post(keys, ADMIN_SECRET, { role: 'api' });
  const claims = { site: 'north', subject: 'wendy', scopes: ['read'] };
  const { token } = await post('/v1/tokens', apiKey.key, claims);
  const adapter = spawnAdapter({
    OPENSIPS_MI: `${deployment.simulator.mi.host}:${deployment.simulator.mi.port}`,
    EDGE_URL: `ws://127.0.0.1:${deployment.port}/adapter`,
    ADAPTER_KEY: adapterKey.key,
    SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
  });

  const opened = await openPage(browser, edge);
  openedPages.push(opened);
  const { page } = opened;
  await page.getByLabel('Token').fill(token);
  await button(page, 'Sign in').click();
  await page.locator('.connection').getByText('Live').waitFor();
  await deployment.simulator.dial({ from: 'alice', to: 'keep' });
  await page.locator('.call-row').click();
  await waitForState(page, 'answered');
  for (const name of ['Call', 'Hold', 'Transfer…', 'End'])
    expect(await button(page, name).isDisabled()).toBe(true);
  await screenshot(page, 'stack-without-scopes');

  const response = await page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/call-api', ['call-api.v1', 'call-api.token.' + sessionStorage.getItem('call-api-token')]);
    socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallStart', params: { caller: '${phoneUri('a')}', callee: '${phoneUri('b')}' } }));
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onerror = reject;
  })`);
  expect(response).toMatchObject({ error: { code: -32002, data: expect.stringContaining('CallStart') } });
  await page.context().close();
  await adapter.stop();
});

it('shows the adapter and its versions in the account dialog', async () => {
  const page = await open();
  await button(page, 'Account').click();
  await page
    .getByRole('dialog')
    .getByText(`version ${manifest.version} · Node.js ${process.versions.node}`)
    .waitFor();
  await page.context().close();
});

it('loads less than 150 KB, compressed, only from this host, and is allowed to load nothing else', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const responses: Response[] = [];
  const requestedUrls: string[] = [];
  page.on('request', (request) => requestedUrls.push(request.url()));
  page.on('websocket', (socket) => requestedUrls.push(socket.url()));
  page.on('response', (response) => responses.push(response));
  await page.goto(url());
  await page.locator('.connection').getByText('Live').waitFor();
  expect(new Set(requestedUrls.map((requested) => new URL(requested).host))).toEqual(
    new Set([`127.0.0.1:${stack.port}`]),
  );
  const sizes = await Promise.all(
    responses.map(async (response) => {
      const { responseBodySize, responseHeadersSize } = await response.request().sizes();
      return { path: new URL(response.url()).pathname, bytes: responseBodySize + responseHeadersSize };
    }),
  );
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  process.stdout.write(`first load: ${total} bytes in ${sizes.length} files\n`);
  // Without sizes the next check would always pass. The script alone has ten thousand bytes.
  expect(total).toBeGreaterThan(10_000);
  expect(total).toBeLessThan(150_000);
  const [html] = responses;
  const headers = (await html?.allHeaders()) ?? {};
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  expect(headers['cache-control']).toBe('no-cache');
  const script = responses.find((response) => response.url().endsWith('.js'));
  expect(await script?.allHeaders()).toMatchObject({
    'content-encoding': 'gzip',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect((await fetch(`${url()}/assets/nothing.js`)).status).toBe(404);
  expect((await fetch(`${url()}/../package.json`)).status).toBe(404);
  await context.close();
});
