/** The console in a real browser, against a scripted edge. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Call } from '../../client/connection/call.ts';
import { waitUntil } from '../harness/stack.ts';
import { launchChromium } from './chromium.ts';
import { FakeEdge } from './fake-edge.ts';
import {
  completedSteps,
  DESKTOP,
  findAccessibilityViolations,
  MOBILE,
  openPage,
  REDUCED_MOTION,
  screenshot,
} from './page.ts';

const ALICE = 'sip:alice@127.0.0.1:5060';
const BOB = 'sip:bob@127.0.0.1:5060';

let browser: Browser;
let edge: FakeEdge;
const openedPages: { readonly page: Page; readonly errors: string[] }[] = [];

beforeAll(async () => {
  browser = await launchChromium();
}, 400_000);
afterAll(() => browser.close());

beforeEach(async () => {
  edge = await FakeEdge.start();
});
afterEach(async () => {
  const errors = openedPages.flatMap((opened) => opened.errors);
  for (const { page } of openedPages.splice(0)) await page.context().close();
  await edge[Symbol.asyncDispose]();
  expect(errors).toEqual([]);
});

async function open(options?: Parameters<typeof openPage>[2]): Promise<Page> {
  const opened = await openPage(browser, edge.url, options);
  openedPages.push(opened);
  return opened.page;
}

function call(callid: string, overrides: Partial<Call> = {}): Omit<Call, 'seq'> {
  const began = Date.now();
  return { callid, state: 'answered', caller: ALICE, callee: BOB, origin: null, began, ...overrides };
}

const status = (page: Page) => page.locator('.connection').innerText();
const row = (page: Page, callid: string) => page.locator(`[data-callid="${callid}"]`);

/** Waits for a request and returns the params of the last one with that method. */
async function requestedParams(method: string): Promise<Record<string, unknown>> {
  await waitUntil(() => edge.requests.some((request) => request.method === method));
  return edge.requests.findLast((request) => request.method === method)?.params ?? {};
}

/** Ends the last command of a method. */
async function endCommand(method: string): Promise<void> {
  const { cmd_id: cmdId } = await requestedParams(method);
  edge.notify(method, String(cmdId), 'Ended');
}

it('dials a call with one key press, and shows each step when its event arrives', async () => {
  const page = await open();
  await page.getByLabel('Callee').fill('sip:bob@127.0.0.1:5060');
  await page.keyboard.press('Enter');
  const { cmd_id: cmdId, ...params } = await requestedParams('CallStart');
  expect(params).toEqual({ caller: ALICE, callee: BOB });
  const stepCounts: number[] = [];
  for (const event of ['CallerRinging', 'CallerAnswered', 'TransferStart', 'CalleeAnswered']) {
    edge.notify('CallStart', String(cmdId), event, { callid: event.startsWith('C') ? undefined : 'c1' });
    const previousCount = stepCounts.length + 1;
    await waitUntil(async () => (await completedSteps(page, 'CallStart')).length > previousCount);
    stepCounts.push((await completedSteps(page, 'CallStart')).length);
  }
  expect(stepCounts).toEqual([2, 3, 4, 5]);
  expect(await completedSteps(page, 'CallStart')).toEqual([
    'Requested',
    'alice’s phone rings',
    'alice answers',
    'alice’s phone calls bob',
    'bob answers',
  ]);
});

it('does not dial an invalid address, and says how to correct it', async () => {
  const page = await open();
  const callee = page.getByLabel('Callee');
  await callee.fill('bob');
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  expect(await callee.evaluate((input) => 'validationMessage' in input && input.validationMessage)).toBe(
    '"bob" is not a SIP address. Enter user@host, such as bob@example.com.',
  );
  expect(edge.requests.map(({ method }) => method)).not.toContain('CallStart');
});

it('shows the reason of a failed call at the step that failed', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await requestedParams('CallStart');
  edge.notify('CallStart', String(cmdId), 'CallerRinging', {});
  const error = { code: -32010, message: 'Refused', sip: { status: 486, reason: 'Busy Here' } };
  edge.notify('CallStart', String(cmdId), 'Error', undefined, error);
  edge.notify('CallStart', String(cmdId), 'Ended');
  await page.locator('[data-step="failed"]').waitFor();
  expect(await page.locator('[data-step="failed"] .text').innerText()).toBe('alice answers');
  expect(await page.getByRole('alert').innerText()).toBe('The line is busy (486 Busy Here).');
});

it('runs the command of each button on the selected call', async () => {
  edge.changeCall('Answered', call('other', { caller: 'sip:carol@x', callee: 'sip:dave@x', began: 1 }));
  edge.changeCall('Answered', call('mine'));
  const page = await open();
  await row(page, 'mine').click();
  await page.getByRole('button', { name: 'Hold' }).click();
  expect(await requestedParams('CallHold')).toMatchObject({ callid: 'mine' });
  await endCommand('CallHold');
  edge.changeCall('Held', call('mine', { state: 'held', held: ['callee'] }));
  await page.getByRole('button', { name: 'Resume' }).click();
  expect(await requestedParams('CallUnhold')).toMatchObject({ callid: 'mine' });
  await endCommand('CallUnhold');

  await page.getByRole('button', { name: 'Transfer…' }).click();
  await page.getByLabel('Destination').fill('carol@example.com');
  await page.getByRole('button', { name: 'Transfer', exact: true }).click();
  expect(await requestedParams('CallBlindTransfer')).toMatchObject({
    callid: 'mine',
    leg: 'callee',
    destination: 'sip:carol@example.com',
  });
  await endCommand('CallBlindTransfer');

  await page.getByRole('button', { name: 'Transfer…' }).click();
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Call to join').selectOption('other');
  await page.getByRole('radio', { name: 'alice', exact: true }).check();
  await page.getByRole('button', { name: 'Transfer', exact: true }).click();
  expect(await requestedParams('CallAttendedTransfer')).toMatchObject({
    callidA: 'mine',
    legA: 'caller',
    callidB: 'other',
    legB: 'callee',
  });

  await page.getByRole('button', { name: 'End', exact: true }).click();
  expect(await requestedParams('CallEnd')).toMatchObject({ callid: 'mine' });
});

it('shows what has changed after the connection was lost, and says so', async () => {
  edge.changeCall('Answered', call('stays'));
  edge.changeCall('Answered', call('goes'));
  const page = await open();
  await row(page, 'goes').waitFor();
  edge.isReachable = false;
  edge.closeSockets();
  await page.getByText('This list was last updated at').waitFor();
  // Each new socket is accepted and closed again.
  await waitUntil(async () => (await status(page)).includes('Connection lost'));
  // It is open for a moment.
  await waitUntil(() => page.getByRole('button', { name: 'Call', exact: true }).isDisabled());
  await screenshot(page, 'connection-lost');
  edge.changeCall('Ended', call('goes', { state: 'ended', reason: 'Bye', ended: Date.now() }));
  edge.changeCall('Ringing', call('comes', { state: 'ringing' }));
  edge.isReachable = true;
  await page.getByText('nothing missed').waitFor();
  await row(page, 'comes').waitFor();
  expect(await row(page, 'goes').count()).toBe(0);
  expect(await row(page, 'stays').count()).toBe(1);
  await page.getByRole('radio', { name: 'Ended' }).check();
  await row(page, 'goes').waitFor();
});

it('reloads the list if the missed changes are no longer available, and says so', async () => {
  edge.changeCall('Answered', call('first'));
  const page = await open();
  await row(page, 'first').waitFor();
  edge.keepsChanges = false;
  edge.closeSockets();
  await page.getByText('list reloaded').waitFor();
  expect(await row(page, 'first').count()).toBe(1);
});

it('repeats a command that was sent when the connection was lost, with the same cmd_id', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await requestedParams('CallStart');
  edge.closeSockets();
  const starts = () => edge.requests.filter(({ method }) => method === 'CallStart');
  await waitUntil(() => starts().length === 2);
  expect(new Set(starts().map(({ params }) => params['cmd_id']))).toEqual(new Set([cmdId]));
});

it('shows when OpenSIPS cannot be reached, and when it is back', async () => {
  const page = await open();
  const dial = page.getByRole('button', { name: 'Call', exact: true });
  await waitUntil(() => dial.isEnabled());
  edge.setLink(false);
  await page.getByText('OpenSIPS is unreachable. Check that').waitFor();
  expect(await dial.isDisabled()).toBe(true);
  edge.setLink(true);
  await waitUntil(() => dial.isEnabled());
});

it('disables the buttons for which the token has no scope, and shows why', async () => {
  edge.principal = {
    tenant: 'acme',
    site: 'north',
    subject: 'alice',
    scopes: ['read', 'CallEnd'],
    caller: ALICE,
  };
  edge.changeCall('Answered', call('mine'));
  const page = await open();
  await row(page, 'mine').click();
  for (const name of ['Call', 'Hold', 'Transfer…'])
    expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
  expect(await page.getByRole('button', { name: 'End', exact: true }).isEnabled()).toBe(true);
  await page.getByText('It needs the scope “CallStart”').waitFor();
  expect(await page.getByLabel('Caller').getAttribute('readonly')).not.toBeNull();
  await screenshot(page, 'without-scopes');
});

it('asks for a token if one is required, stores it in this tab, and deletes it when it is no longer valid', async () => {
  edge.principal = 'Invalid token.';
  const page = await open();
  await page.getByLabel('Token').waitFor();
  expect(await findAccessibilityViolations(page)).toEqual([]);
  await screenshot(page, 'token');
  await page.getByLabel('Token').fill('expired');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This token is invalid, expired or revoked.').waitFor();
  edge.principal = { tenant: 'acme', site: 'north', subject: 'alice', scopes: ['read'] };
  await page.getByLabel('Token').fill('a-token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('acme · north · alice').waitFor();
  expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('a-token');
  expect(await page.evaluate('localStorage.length')).toBe(0);
  // The principal is known before the socket is open.
  await waitUntil(async () => (await status(page)).includes('Live'));
  edge.principal = 'Invalid token.';
  edge.closeSockets();
  await page.getByText('Your token is no longer valid').waitFor();
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
});

it('has one tab stop for the list, which arrow keys move through', async () => {
  for (let n = 0; n < 300; n++) edge.changeCall('Answered', call(`c${n}`, { began: n }));
  const page = await open();
  await row(page, 'c299').waitFor();
  await page.getByRole('listbox').focus();
  const selectedCallid = () => page.locator('[aria-selected="true"]').getAttribute('data-callid');
  const selected: (string | null)[] = [];
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'ArrowUp', 'Home']) {
    await page.keyboard.press(key);
    selected.push(await selectedCallid());
    const id = await page.getByRole('listbox').getAttribute('aria-activedescendant');
    expect(id).toBe(`call-${selected.at(-1)}`);
  }
  expect(selected).toEqual(['c299', 'c298', 'c299', 'c0', 'c1', 'c299']);
});

it('keeps the scroll position when new calls appear above', async () => {
  for (let n = 0; n < 300; n++) edge.changeCall('Answered', call(`c${n}`, { began: n }));
  const page = await open();
  await row(page, 'c299').waitFor();
  await page.evaluate('document.querySelector("[role=listbox]").scrollTop = 6000');
  await row(page, 'c199').waitFor();
  const rowPosition = () =>
    row(page, 'c199').evaluate((element) => String(element.getBoundingClientRect().y));
  const before = await rowPosition();
  for (let n = 300; n < 320; n++) edge.changeCall('Ringing', call(`c${n}`, { began: n, state: 'ringing' }));
  await waitUntil(async () => (await page.locator('.counts [data-state="ringing"] dd').innerText()) === '20');
  expect(await rowPosition()).toBe(before);
});

it('lays out at most once a frame with 2,000 active calls and 50 changes per second, and shows the right result', async () => {
  const states = ['ringing', 'answered', 'held', 'answered'] as const;
  for (let n = 0; n < 2_000; n++)
    edge.changeCall('Answered', call(`c${n}`, { began: Date.now() - n * 1_000 }));
  const page = await open();
  await row(page, 'c0').waitFor();
  expect(await page.getByRole('option').count()).toBeLessThan(60);
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Performance.enable');
  const metric = async (wanted: string) => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  };
  await page.evaluate(`
    globalThis.longTasks = [];
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask' });
    globalThis.frames = 0;
    globalThis.countFrames = () => { globalThis.frames++; requestAnimationFrame(countFrames); };
    countFrames();
    globalThis.mutations = 0;
    new MutationObserver((records) => { globalThis.mutations += records.length; })
      .observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  `);
  const [taskBefore, layoutsBefore] = [await metric('TaskDuration'), await metric('LayoutCount')];
  const startedAt = Date.now();
  const seconds = 6;
  for (let n = 0; n < 50 * seconds; n++) {
    const callid = `c${(n * 7) % 2_000}`;
    edge.changeCall(
      'Held',
      call(callid, { state: states[n % 4] ?? 'held', began: startedAt - ((n * 7) % 2_000) * 1_000 }),
    );
    // Every fifth change is a new call, so that the list moves too.
    if (n % 5 === 0) edge.changeCall('Ringing', call(`new${n}`, { state: 'ringing' }));
    const waitMs = startedAt + (n + 1) * 20 - Date.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  const busyShare = ((await metric('TaskDuration')) - taskBefore) / ((Date.now() - startedAt) / 1_000);
  const layouts = (await metric('LayoutCount')) - layoutsBefore;
  const { frames, mutations } = (await page.evaluate('({ frames: globalThis.frames, mutations })')) as {
    readonly frames: number;
    readonly mutations: number;
  };
  await waitUntil(
    async () => (await page.locator('.counts [data-state="ringing"] dd').innerText()) === '135',
  );
  expect(await page.locator('.counts [data-state="answered"] dd').innerText()).toBe('1850');
  expect(await page.locator('.counts [data-state="held"] dd').innerText()).toBe('75');
  const longTasks = (await page.evaluate('longTasks')) as number[];
  process.stdout.write(
    `list of calls: the page is busy ${(busyShare * 100).toFixed(1)} % of the time; tasks over 50 ms: ${JSON.stringify(longTasks)}; ${layouts} layouts and ${mutations} mutations in ${frames} frames\n`,
  );
  // However many calls there are, a frame is laid out once, and a change touches the visible rows and the counts only.
  expect(layouts).toBeLessThanOrEqual(frames + 10);
  expect(mutations).toBeLessThan(20 * 60 * seconds);
});

it.each([
  ['desktop-light', { ...DESKTOP, colorScheme: 'light' }],
  ['desktop-dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['phone-light', { ...MOBILE, colorScheme: 'light' }],
  ['phone-dark', { ...MOBILE, colorScheme: 'dark' }],
] as const)('axe finds no serious violation in any view: %s', async (name, options) => {
  const page = await open({ ...options, ...REDUCED_MOTION });
  await page.getByText('No active calls').waitFor();
  expect(await findAccessibilityViolations(page)).toEqual([]);
  addCalls();
  await page.getByRole('option').first().waitFor();
  await screenshot(page, `${name}-calls`);
  expect(await findAccessibilityViolations(page)).toEqual([]);

  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await requestedParams('CallStart');
  edge.notify('CallStart', String(cmdId), 'CallerRinging', {});
  await page.locator('[data-step="current"]').waitFor();
  await screenshot(page, `${name}-dialing`);
  expect(await findAccessibilityViolations(page)).toEqual([]);

  edge.notify('CallStart', String(cmdId), 'TransferStart', { callid: 'mine' });
  edge.changeCall('Ringing', call('mine', { state: 'ringing', from: 'c1', metadata: { crm: 'A-17' } }));
  edge.changeCall('Answered', call('mine', { answered: Date.now(), from: 'c1', metadata: { crm: 'A-17' } }));
  await page.locator('.timeline li').nth(1).waitFor();
  await page.getByRole('button', { name: 'Transfer…' }).click();
  expect(await findAccessibilityViolations(page)).toEqual([]);
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Call to join').selectOption({ index: 1 });
  await screenshot(page, `${name}-transfer`);
  expect(await findAccessibilityViolations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('radio', { name: 'Ended' }).check();
  await row(page, 'over').click();
  await page.getByText('End reason').waitFor();
  expect(await findAccessibilityViolations(page)).toEqual([]);

  await page.getByRole('button', { name: 'Account' }).click();
  expect(await findAccessibilityViolations(page)).toEqual([]);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

  edge.isReachable = false;
  edge.closeSockets();
  await page.getByText('This list was last updated at').waitFor();
  expect(await findAccessibilityViolations(page)).toEqual([]);
});

/** Adds as many calls as there are on a working day. */
function addCalls(): void {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];
  const states = ['answered', 'answered', 'ringing', 'answered', 'held', 'answered', 'transferring'] as const;
  const address = (n: number) => `sip:${names[n % names.length]}@pbx.example.com:5060`;
  const now = Date.now();
  for (let n = 0; n < 60; n++) {
    const state = states[n % states.length] ?? 'answered';
    edge.changeCall('Answered', {
      callid: `c${n}`,
      state,
      caller: address(n),
      callee: address(n + 3),
      origin: n % 3 === 0 ? null : { method: 'CallStart', cmd_id: `m${n}` },
      began: now - n * 47_000 - 9_000,
      ...(state === 'ringing' ? {} : { answered: now - n * 47_000 }),
      ...(state === 'held' ? { held: ['callee'] } : {}),
    });
  }
  edge.changeCall('Ended', call('over', { state: 'ended', ended: now, reason: '486 Busy Here' }));
}
