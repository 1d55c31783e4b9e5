/** The console in a real browser, against an edge that says what each test tells it to. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Call } from '../../client/watching.ts';
import { until } from '../stack/stack.ts';
import { launchChromium } from './chromium.ts';
import { FakeEdge } from './fake.ts';
import { DESKTOP, faults, openPage, PHONE, STILL, screenshot, stepsDone } from './page.ts';

const ALICE = 'sip:alice@127.0.0.1:5060';
const BOB = 'sip:bob@127.0.0.1:5060';

let browser: Browser;
let edge: FakeEdge;
const opened: { readonly page: Page; readonly errors: string[] }[] = [];

beforeAll(async () => {
  browser = await launchChromium();
}, 400_000);
afterAll(() => browser.close());

beforeEach(async () => {
  edge = await FakeEdge.start();
});
afterEach(async () => {
  const errors = opened.flatMap((each) => each.errors);
  for (const { page } of opened.splice(0)) await page.context().close();
  await edge[Symbol.asyncDispose]();
  expect(errors).toEqual([]);
});

async function open(options?: Parameters<typeof openPage>[2]): Promise<Page> {
  const window = await openPage(browser, edge.url, options);
  opened.push(window);
  return window.page;
}

function call(callid: string, rest: Partial<Call> = {}): Omit<Call, 'seq'> {
  const began = Date.now();
  return { callid, state: 'answered', caller: ALICE, callee: BOB, origin: null, began, ...rest };
}

const status = (page: Page) => page.locator('.connection').innerText();
const row = (page: Page, callid: string) => page.locator(`[data-callid="${callid}"]`);

/** The `cmd_id` of the last command of that name. */
async function asked(method: string): Promise<Record<string, unknown>> {
  await until(() => edge.requests.some((request) => request.method === method));
  return edge.requests.findLast((request) => request.method === method)?.params ?? {};
}

it('a call is dialled with one key, and each step shows when it is told', async () => {
  const page = await open();
  await page.getByLabel('Whom to call').fill('sip:bob@127.0.0.1:5060');
  await page.keyboard.press('Enter');
  const { cmd_id: cmdId, ...params } = await asked('CallStart');
  expect(params).toEqual({ caller: ALICE, callee: BOB });
  const seen: number[] = [];
  for (const event of ['CallerRinging', 'CallerAnswered', 'TransferStart', 'CalleeAnswered']) {
    edge.tell('CallStart', String(cmdId), event, { callid: event.startsWith('C') ? undefined : 'c1' });
    const before = seen.length + 1;
    await until(async () => (await stepsDone(page, 'CallStart')).length > before);
    seen.push((await stepsDone(page, 'CallStart')).length);
  }
  expect(seen).toEqual([2, 3, 4, 5]);
  expect(await stepsDone(page, 'CallStart')).toEqual([
    'Requested',
    'alice’s phone rings',
    'alice answers',
    'alice’s phone calls bob',
    'bob answers',
  ]);
});

it('a call that fails says why, where it failed', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await asked('CallStart');
  edge.tell('CallStart', String(cmdId), 'CallerRinging', {});
  const error = { code: -32010, message: 'Refused', sip: { status: 486, reason: 'Busy Here' } };
  edge.tell('CallStart', String(cmdId), 'Error', undefined, error);
  edge.tell('CallStart', String(cmdId), 'Ended');
  await page.locator('[data-step="failed"]').waitFor();
  expect(await page.locator('[data-step="failed"] .text').innerText()).toBe('alice answers');
  expect(await page.getByRole('alert').innerText()).toBe('Refused.');
});

it('each button runs its command on the call that is looked at', async () => {
  edge.change('Answered', call('other', { caller: 'sip:carol@x', callee: 'sip:dave@x', began: 1 }));
  edge.change('Answered', call('mine'));
  const page = await open();
  await row(page, 'mine').click();
  await page.getByRole('button', { name: 'Hold' }).click();
  expect(await asked('CallHold')).toMatchObject({ callid: 'mine' });
  edge.change('Held', call('mine', { state: 'held', held: ['callee'] }));
  await page.getByRole('button', { name: 'Resume' }).click();
  expect(await asked('CallUnhold')).toMatchObject({ callid: 'mine' });

  await page.getByRole('button', { name: 'Transfer…' }).click();
  await page.getByLabel('Where to').fill('carol@example.com');
  await page.getByRole('button', { name: 'Transfer', exact: true }).click();
  expect(await asked('CallBlindTransfer')).toMatchObject({
    callid: 'mine',
    leg: 'callee',
    destination: 'sip:carol@example.com',
  });

  await page.getByRole('button', { name: 'Transfer…' }).click();
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Which call').selectOption('other');
  await page.getByRole('radio', { name: 'alice', exact: true }).check();
  await page.getByRole('button', { name: 'Transfer', exact: true }).click();
  expect(await asked('CallAttendedTransfer')).toMatchObject({
    callidA: 'mine',
    legA: 'caller',
    callidB: 'other',
    legB: 'callee',
  });

  await page.getByRole('button', { name: 'End', exact: true }).click();
  expect(await asked('CallEnd')).toMatchObject({ callid: 'mine' });
});

it('what changes while the network is gone is made up for, and that is said', async () => {
  edge.change('Answered', call('stays'));
  edge.change('Answered', call('goes'));
  const page = await open();
  await row(page, 'goes').waitFor();
  edge.isReachable = false;
  edge.cut();
  await page.getByText('Not live: this is how it was').waitFor();
  // Each time that it comes back it is let in, and cut off again.
  await until(async () => (await status(page)).includes('Connection lost'));
  expect(await page.getByRole('button', { name: 'Call', exact: true }).isDisabled()).toBe(true);
  await screenshot(page, 'connection-lost');
  edge.change('Ended', call('goes', { state: 'ended', reason: 'Bye', ended: Date.now() }));
  edge.change('Ringing', call('comes', { state: 'ringing' }));
  edge.isReachable = true;
  await page.getByText('nothing was missed').waitFor();
  await row(page, 'comes').waitFor();
  expect(await row(page, 'goes').count()).toBe(0);
  expect(await row(page, 'stays').count()).toBe(1);
  await page.getByRole('radio', { name: 'Ended' }).check();
  await row(page, 'goes').waitFor();
});

it('where what was missed is no longer kept, the list is read anew, and that is said', async () => {
  edge.change('Answered', call('first'));
  const page = await open();
  await row(page, 'first').waitFor();
  edge.keeps = false;
  edge.cut();
  await page.getByText('the list was read anew').waitFor();
  expect(await row(page, 'first').count()).toBe(1);
});

it('a command that was asked for as the network went is asked for again, as the same', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await asked('CallStart');
  edge.cut();
  const starts = () => edge.requests.filter(({ method }) => method === 'CallStart');
  await until(() => starts().length === 2);
  expect(new Set(starts().map(({ params }) => params['cmd_id']))).toEqual(new Set([cmdId]));
});

it('says when OpenSIPS cannot be reached, and when it is back', async () => {
  const page = await open();
  const dial = page.getByRole('button', { name: 'Call', exact: true });
  await until(() => dial.isEnabled());
  edge.link(false);
  await page.getByText('OpenSIPS cannot be reached just now.').waitFor();
  expect(await dial.isDisabled()).toBe(true);
  edge.link(true);
  await until(() => dial.isEnabled());
});

it('a token that lacks scopes finds the buttons disabled, and why', async () => {
  edge.me = { tenant: 'acme', site: 'north', subject: 'alice', scopes: ['read', 'CallEnd'], caller: ALICE };
  edge.change('Answered', call('mine'));
  const page = await open();
  await row(page, 'mine').click();
  for (const name of ['Call', 'Hold', 'Transfer…'])
    expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
  expect(await page.getByRole('button', { name: 'End', exact: true }).isEnabled()).toBe(true);
  await page.getByText('it lacks the scope CallStart').waitFor();
  expect(await page.getByLabel('Your phone').getAttribute('readonly')).not.toBeNull();
  await screenshot(page, 'without-scopes');
});

it('a token is asked for where one is needed, kept in this tab, and forgotten when it no longer holds', async () => {
  edge.me = 'a key or a token that holds is needed';
  const page = await open();
  await page.getByLabel('Token').waitFor();
  expect(await faults(page)).toEqual([]);
  await screenshot(page, 'token');
  edge.me = { tenant: 'acme', site: 'north', subject: 'alice', scopes: ['read'] };
  await page.getByLabel('Token').fill('a-token');
  await page.getByRole('button', { name: 'Come in' }).click();
  await page.getByText('acme · north · alice').waitFor();
  expect(await page.evaluate('sessionStorage.getItem("call-api-token")')).toBe('a-token');
  expect(await page.evaluate('localStorage.length')).toBe(0);
  // Who they are is known before their socket is there.
  await until(async () => (await status(page)).includes('Live'));
  edge.me = 'a key or a token that holds is needed';
  edge.cut();
  await page.getByText('The token no longer holds').waitFor();
  expect(await page.evaluate('sessionStorage.length')).toBe(0);
});

it('the list is one stop for Tab, and the arrows go through it', async () => {
  for (let n = 0; n < 300; n++) edge.change('Answered', call(`c${n}`, { began: n }));
  const page = await open();
  await row(page, 'c299').waitFor();
  await page.getByRole('listbox').focus();
  const chosen = () => page.locator('[aria-selected="true"]').getAttribute('data-callid');
  const walk: (string | null)[] = [];
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'ArrowUp', 'Home']) {
    await page.keyboard.press(key);
    walk.push(await chosen());
    const id = await page.getByRole('listbox').getAttribute('aria-activedescendant');
    expect(id).toBe(`call-${walk.at(-1)}`);
  }
  expect(walk).toEqual(['c299', 'c298', 'c299', 'c0', 'c1', 'c299']);
});

it('who has scrolled down is not disturbed by calls that come above', async () => {
  for (let n = 0; n < 300; n++) edge.change('Answered', call(`c${n}`, { began: n }));
  const page = await open();
  await row(page, 'c299').waitFor();
  await page.evaluate('document.querySelector("[role=listbox]").scrollTop = 6000');
  await row(page, 'c199').waitFor();
  const place = () => row(page, 'c199').evaluate((element) => String(element.getBoundingClientRect().y));
  const before = await place();
  for (let n = 300; n < 320; n++) edge.change('Ringing', call(`c${n}`, { began: n, state: 'ringing' }));
  await until(async () => (await page.locator('.counts [data-state="ringing"] dd').innerText()) === '20');
  expect(await place()).toBe(before);
});

it('stays smooth with 2,000 standing calls and 50 changes a second, and ends up right', async () => {
  const states = ['ringing', 'answered', 'held', 'answered'] as const;
  for (let n = 0; n < 2_000; n++) edge.change('Answered', call(`c${n}`, { began: Date.now() - n * 1_000 }));
  const page = await open();
  await row(page, 'c0').waitFor();
  expect(await page.getByRole('option').count()).toBeLessThan(60);
  const cost = await page.context().newCDPSession(page);
  await cost.send('Performance.enable');
  const busy = async () => {
    const { metrics } = await cost.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  await page.evaluate(`
    globalThis.long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask' });
  `);
  const before = await busy();
  const began = Date.now();
  const seconds = 6;
  for (let n = 0; n < 50 * seconds; n++) {
    const callid = `c${(n * 7) % 2_000}`;
    edge.change(
      'Held',
      call(callid, { state: states[n % 4] ?? 'held', began: began - ((n * 7) % 2_000) * 1_000 }),
    );
    // Every fifth change is a new call: the list moves too.
    if (n % 5 === 0) edge.change('Ringing', call(`new${n}`, { state: 'ringing' }));
    const next = began + (n + 1) * 20 - Date.now();
    if (next > 0) await new Promise((resume) => setTimeout(resume, next));
  }
  const share = ((await busy()) - before) / ((Date.now() - began) / 1_000);
  await until(async () => (await page.locator('.counts [data-state="ringing"] dd').innerText()) === '135');
  expect(await page.locator('.counts [data-state="answered"] dd').innerText()).toBe('1850');
  expect(await page.locator('.counts [data-state="held"] dd').innerText()).toBe('75');
  const long = (await page.evaluate('long')) as number[];
  process.stdout.write(
    `board: the page is busy ${(share * 100).toFixed(1)} % of the time; tasks over 50 ms: ${JSON.stringify(long)}\n`,
  );
  // Above half of the time there is none left for what the reader does.
  expect(share).toBeLessThan(0.5);
});

it.each([
  ['desktop-light', { ...DESKTOP, colorScheme: 'light' }],
  ['desktop-dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['phone-light', { ...PHONE, colorScheme: 'light' }],
  ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
] as const)('axe finds no serious fault on any view: %s', async (name, options) => {
  const page = await open({ ...options, ...STILL });
  await page.getByText('No call stands just now.').waitFor();
  expect(await faults(page)).toEqual([]);
  fill();
  await page.getByRole('option').first().waitFor();
  await screenshot(page, `${name}-board`);
  expect(await faults(page)).toEqual([]);

  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const { cmd_id: cmdId } = await asked('CallStart');
  edge.tell('CallStart', String(cmdId), 'CallerRinging', {});
  await page.locator('[data-step="now"]').waitFor();
  await screenshot(page, `${name}-dialling`);
  expect(await faults(page)).toEqual([]);

  edge.tell('CallStart', String(cmdId), 'TransferStart', { callid: 'mine' });
  edge.change('Ringing', call('mine', { state: 'ringing', from: 'c1', metadata: { crm: 'A-17' } }));
  edge.change('Answered', call('mine', { answered: Date.now(), from: 'c1', metadata: { crm: 'A-17' } }));
  await page.locator('.timeline li').nth(1).waitFor();
  await page.getByRole('button', { name: 'Transfer…' }).click();
  expect(await faults(page)).toEqual([]);
  await page.getByRole('radio', { name: 'To another call' }).check();
  await page.getByLabel('Which call').selectOption({ index: 1 });
  await screenshot(page, `${name}-transfer`);
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('radio', { name: 'Ended' }).check();
  await row(page, 'over').click();
  await page.getByText('How it ended').waitFor();
  expect(await faults(page)).toEqual([]);

  await page.getByRole('button', { name: 'Token' }).click();
  expect(await faults(page)).toEqual([]);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

  edge.isReachable = false;
  edge.cut();
  await page.getByText('Not live').waitFor();
  expect(await faults(page)).toEqual([]);
});

/** A board as it is on a working day. */
function fill(): void {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];
  const states = ['answered', 'answered', 'ringing', 'answered', 'held', 'answered', 'transferring'] as const;
  const address = (n: number) => `sip:${names[n % names.length]}@pbx.example.com:5060`;
  const now = Date.now();
  for (let n = 0; n < 60; n++) {
    const state = states[n % states.length] ?? 'answered';
    edge.change('Answered', {
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
  edge.change('Ended', call('over', { state: 'ended', ended: now, reason: '486 Busy Here' }));
}
