/** The HTTP API from a web page of another origin, in a real browser: fetch with a preflight, and an EventSource. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from './console/chromium.ts';
import { type Place, Tenants } from './stack/tenants.ts';

/** Milliseconds: where there is no Chromium, one is installed first. */
const INSTALL_MS = 600_000;

let all: Tenants;
let at: Place;
let browser: Browser;
/** Pages at two origins: of one, which is on the tenant's list, and of another. */
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
  all = await Tenants.start({ tenants: 1, sites: 1, settings: { origins: origins.slice(0, 1) } });
  at = all.at('t1-s1');
  browser = await launchChromium();
}, INSTALL_MS);
afterAll(async () => {
  await browser?.close();
  for (const server of servers) server.close();
  await all?.[Symbol.asyncDispose]();
});

/** Starts a call from a page there: where it can be read, and what an EventSource is told to its end. */
async function dial(origin: string) {
  const page = await browser.newPage();
  await page.goto(origin);
  const token = await all.mint(at.siteKey, { subject: 'ann' });
  return page.evaluate(
    async ([edge, bearer]) => {
      const stream = new EventSource(`${edge}/v1/events?access_token=${bearer}`);
      const events: string[] = [];
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const opened = new Promise<boolean>((told) => {
        stream.onmessage = ({ data }) => {
          told(true);
          const { method, params } = JSON.parse(data);
          if (method === 'CallStart') events.push(params.event);
          if (params.event === 'Ended' && method === 'CallStart') end();
        };
        stream.onerror = () => told(false);
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
    [`http://127.0.0.1:${all.port}`, token] as const,
  );
}

it('a page of the tenant’s dials and is told; one of another origin is not let in', async () => {
  const { status, location, events } = await dial(origins[0] ?? '');
  expect([status, location]).toEqual([202, '/v1/commands/from-a-page']);
  expect(events.slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
  expect(await dial(origins[1] ?? '')).toEqual({ status: 0, location: null, events: [] });
});
