/** The HTTP API used from a web page of another origin (CORS), in a real browser: fetch with a preflight, and an EventSource. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../console/chromium.ts';
import { MultiTenantStack, type TestSite } from '../harness/multi-tenant-stack.ts';

/** Chromium is installed first if it is missing. */
const INSTALL_TIMEOUT_MS = 600_000;

let stack: MultiTenantStack;
let site: TestSite;
let browser: Browser;
/** Serve pages at two origins: the first is on the tenant's list, the second is not. */
const servers = [0, 1].map(() =>
  createServer(
    (_, response) => void response.setHeader('Content-Type', 'text/html').end('<title>page</title>'),
  ),
);
const origins: string[] = [];

beforeAll(async () => {
  for (const server of servers) {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    origins.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  stack = await MultiTenantStack.start({
    tenants: 1,
    sites: 1,
    tenantSettings: { origins: origins.slice(0, 1) },
  });
  site = stack.site('t1-s1');
  browser = await launchChromium();
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  for (const server of servers) server.close();
  await stack?.[Symbol.asyncDispose]();
});

/** Starts a call from a page of an origin. Returns the response, and the events that an EventSource receives until the end. */
async function startCallFrom(origin: string) {
  const page = await browser.newPage();
  await page.goto(origin);
  const token = await stack.mintToken(site.siteKey, { subject: 'ann' });
  return page.evaluate(
    async ([edge, bearer]) => {
      const stream = new EventSource(`${edge}/v1/events?access_token=${bearer}`);
      const events: string[] = [];
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const opened = new Promise<boolean>((resolve) => {
        stream.onmessage = ({ data }) => {
          resolve(true);
          const { method, params } = JSON.parse(data);
          if (method === 'CallStart') events.push(params.event);
          if (params.event === 'Ended' && method === 'CallStart') end();
        };
        stream.onerror = () => resolve(false);
      });
      if (!(await opened)) return { status: 0, location: null, events };
      const response = await fetch(`${edge}/v1/calls`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${bearer}`, 'Idempotency-Key': 'from-a-page' },
        body: JSON.stringify({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' }),
      });
      await ended;
      stream.close();
      return { status: response.status, location: response.headers.get('Location'), events };
    },
    [`http://127.0.0.1:${stack.port}`, token] as const,
  );
}

it('a page of an allowed origin can start a call and receive events, one of another origin cannot', async () => {
  const { status, location, events } = await startCallFrom(origins[0] ?? '');
  expect([status, location]).toEqual([202, '/v1/commands/from-a-page']);
  expect(events.slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
  expect(await startCallFrom(origins[1] ?? '')).toEqual({ status: 0, location: null, events: [] });
});
