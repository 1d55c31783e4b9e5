/** The console in a real browser against all of it: the Worker on workerd, adapter and simulated phones. */
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { phone } from '../stack/client.ts';
import { type Stack, spawnAdapter, startStack, until } from '../stack/stack.ts';
import { launchChromium } from './chromium.ts';
import { openPage, screenshot, stepsDone } from './page.ts';
import { type Network, networkTo } from './tcp-proxy.ts';

let browser: Browser;
let stack: Stack;
let network: Network;
const opened: { readonly page: Page; readonly errors: string[] }[] = [];

beforeAll(async () => {
  [browser, stack] = await Promise.all([launchChromium(), startStack()]);
  network = await networkTo(stack.port);
}, 400_000);
afterAll(async () => {
  await browser.close();
  await network[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});
afterEach(async () => {
  const errors = opened.flatMap((each) => each.errors);
  for (const { page } of opened.splice(0)) await page.context().close();
  expect(errors).toEqual([]);
});

const url = () => `http://127.0.0.1:${stack.port}`;

async function open(at = url()): Promise<Page> {
  const window = await openPage(browser, at);
  opened.push(window);
  await window.page.locator('.connection').getByText('Live').waitFor();
  return window.page;
}

/** Dials on the page; resolves with the Call-ID once both have answered. */
async function dial(page: Page, caller: string, callee: string): Promise<string> {
  await page.getByLabel('Your phone').fill(phone(caller));
  await page.getByLabel('Whom to call').fill(phone(callee));
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  await page.locator('[data-method="CallStart"][data-over="true"]').waitFor();
  await state(page, 'answered');
  const callid = await page.locator('.call-row[aria-selected="true"]').getAttribute('data-callid');
  if (callid === null) throw new Error('the call is not on the board');
  return callid;
}

/** Waits until the call that is looked at is so. */
const state = (page: Page, name: string) => page.locator(`.call .facts [data-state="${name}"]`).waitFor();
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** All that stands on a page's board: Call-ID and state. */
async function boardOf(page: Page): Promise<string[]> {
  const rows = await page.locator('.call-row').all();
  const read = rows.map(
    async (row) => `${await row.getAttribute('data-callid')} ${await row.getAttribute('data-state')}`,
  );
  return (await Promise.all(read)).sort();
}

/** What the simulator knows to stand. */
function truth(): string[] {
  return stack.simulator.ledger.dialogs
    .filter(({ state }) => state < 5)
    .map(({ callid }) => callid)
    .sort();
}

it('dial, hold, resume, transfer, end: each step is seen, and a second browser that only watches sees the same', async () => {
  const [page, watcher] = await Promise.all([open(), open()]);
  const callid = await dial(page, 'answer-300', 'answer-400');
  expect(await stepsDone(page, 'CallStart')).toEqual([
    'Requested',
    'answer-300’s phone rings',
    'answer-300 answers',
    'answer-300’s phone calls answer-400',
    'answer-400 answers',
  ]);
  await screenshot(page, 'stack-answered');
  const seen = (name: string) => watcher.locator(`[data-callid="${callid}"][data-state="${name}"]`).waitFor();
  await seen('answered');

  await button(page, 'Hold').click();
  await state(page, 'held');
  await seen('held');
  await screenshot(page, 'stack-held');
  await button(page, 'Resume').click();
  await state(page, 'answered');
  await seen('answered');

  await button(page, 'Transfer…').click();
  await page.getByLabel('Where to').fill(phone('carol'));
  await button(page, 'Transfer').click();
  await page.locator('[data-method="CallBlindTransfer"][data-over="true"]').waitFor();
  await until(() => truth().length === 1 && truth()[0] !== callid);
  await state(page, 'answered');
  const [next] = truth();
  for (const each of [page, watcher])
    await each.locator(`[data-callid="${next}"][data-state="answered"]`).waitFor();
  await screenshot(watcher, 'stack-watcher');

  await button(page, 'End').click();
  await page.getByText('No call stands just now.').waitFor();
  await watcher.getByText('No call stands just now.').waitFor();
  expect(truth()).toEqual([]);
  await watcher.getByRole('radio', { name: 'Ended' }).check();
  await watcher.locator(`[data-callid="${next}"]`).click();
  await watcher.locator('.timeline').getByText('Ended').waitFor();
});

it('an attended transfer connects the parties of two calls', async () => {
  const page = await open();
  const first = await dial(page, 'keep.a', 'keep.b');
  const second = await dial(page, 'keep.c', 'keep.d');
  await page.locator(`[data-callid="${first}"]`).click();
  await button(page, 'Transfer…').click();
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Which call').selectOption(second);
  await button(page, 'Transfer').click();
  await page.locator('[data-method="CallAttendedTransfer"][data-over="true"]').waitFor();
  expect(await page.locator('[data-method="CallAttendedTransfer"] .error').innerText()).toBe('');
  await page.locator(`[data-callid="${first}"]`).waitFor({ state: 'detached' });
  await until(
    async () =>
      (await boardOf(page))
        .map((each) => each.split(' ')[0])
        .sort()
        .join() === truth().join(),
  );
  for (const callid of truth()) {
    await page.locator(`[data-callid="${callid}"]`).click();
    await button(page, 'End').click();
    await page.locator(`.call-row[data-callid="${callid}"]`).waitFor({ state: 'detached' });
  }
});

it('the network drops in between, and nothing is missed', async () => {
  const [page, watcher] = await Promise.all([open(network.url), open()]);
  const gone = await stack.simulator.dial({ from: 'alice', to: 'keep.gone' });
  await page.locator(`[data-callid="${gone}"]`).waitFor();
  await page.getByLabel('Your phone').fill(phone('answer-1500'));
  await page.getByLabel('Whom to call').fill(phone('bob'));
  await button(page, 'Call').click();
  await page.locator('[data-method="CallStart"] [data-step="done"]').nth(1).waitFor();
  network.cut();
  await page.getByText('Not live: this is how it was').waitFor();
  // Meanwhile: the call that was dialled is answered, another comes, and one goes.
  await stack.simulator.dial({ from: 'carol', to: 'keep.dave' });
  const client = await stack.client();
  await client.toEnd('CallEnd', { callid: gone });
  await watcher.locator('.call-row[data-state="answered"]').nth(1).waitFor();
  await watcher.locator(`[data-callid="${gone}"]`).waitFor({ state: 'detached' });
  network.mend();
  await page.locator('.connection').getByText('nothing was missed').waitFor();
  await page.locator('[data-method="CallStart"][data-over="true"]').waitFor();
  expect(await stepsDone(page, 'CallStart')).toHaveLength(5);
  await until(async () => (await boardOf(page)).join() === (await boardOf(watcher)).join());
  expect((await boardOf(page)).map((each) => each.split(' ')[0])).toEqual(truth());
  for (const callid of truth()) await client.toEnd('CallEnd', { callid });
});

it('a token that may not dial finds its buttons disabled, and the server refuses anyway', async () => {
  const ADMIN_SECRET = 'admin-secret-of-the-tests-0123456789';
  const secrets = { ADMIN_SECRET, KEY_SECRETS: 'test:key-secret-of-the-tests-0123456789' };
  await using tenants = await startStack({ entry: 'worker/index.ts', adapter: false, secrets });
  const edge = `http://127.0.0.1:${tenants.port}`;
  const post = async (path: string, credential: string, body: object) => {
    const headers = { Authorization: `Bearer ${credential}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${edge}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as { key: string; token: string };
  };
  await post('/v1/admin/tenants', ADMIN_SECRET, { id: 'acme' });
  await post('/v1/admin/tenants/acme/sites', ADMIN_SECRET, { id: 'north' });
  const keys = '/v1/admin/tenants/acme/keys';
  const adapterKey = await post(keys, ADMIN_SECRET, { role: 'adapter', site: 'north' });
  const apiKey = await post(keys, ADMIN_SECRET, { role: 'api' });
  const wish = { site: 'north', subject: 'wendy', scopes: ['read'] };
  const { token } = await post('/v1/tokens', apiKey.key, wish);
  const adapter = spawnAdapter({
    OPENSIPS_MI: `${tenants.simulator.mi.host}:${tenants.simulator.mi.port}`,
    EDGE_URL: `ws://127.0.0.1:${tenants.port}/adapter`,
    ADAPTER_KEY: adapterKey.key,
    SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
  });

  const window = await openPage(browser, edge);
  opened.push(window);
  const { page } = window;
  await page.getByLabel('Token').fill(token);
  await button(page, 'Come in').click();
  await page.locator('.connection').getByText('Live').waitFor();
  await tenants.simulator.dial({ from: 'alice', to: 'keep' });
  await page.locator('.call-row').click();
  await state(page, 'answered');
  for (const name of ['Call', 'Hold', 'Transfer…', 'End'])
    expect(await button(page, name).isDisabled()).toBe(true);
  await screenshot(page, 'stack-may-not-dial');

  const answer = await page.evaluate(`new Promise((answered, failed) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/call-api', ['call-api.v1', 'call-api.token.' + sessionStorage.getItem('call-api-token')]);
    socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallStart', params: { caller: '${phone('a')}', callee: '${phone('b')}' } }));
    socket.onmessage = ({ data }) => answered(JSON.parse(data));
    socket.onerror = failed;
  })`);
  expect(answer).toMatchObject({ error: { code: -32002, data: expect.stringContaining('CallStart') } });
  await page.context().close();
  await adapter.stop();
});

it('loads less than 150 KB, compressed, from this host alone, and may load nothing else', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const responses: Response[] = [];
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('websocket', (socket) => asked.push(socket.url()));
  page.on('response', (response) => responses.push(response));
  await page.goto(url());
  await page.locator('.connection').getByText('Live').waitFor();
  expect(new Set(asked.map((each) => new URL(each).host))).toEqual(new Set([`127.0.0.1:${stack.port}`]));
  const sizes = await Promise.all(
    responses.map(async (response) => {
      const { responseBodySize, responseHeadersSize } = await response.request().sizes();
      return { path: new URL(response.url()).pathname, bytes: responseBodySize + responseHeadersSize };
    }),
  );
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  process.stdout.write(`first load: ${total} bytes in ${sizes.length} files\n`);
  // What carries no size would let this pass: the script alone has ten thousand bytes.
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
