/** Pages of the log contain all matching events in order, and are limited in length. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { dialogEvent, scenarios, statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { REFILL_THRESHOLD } from '../../webhooks/endpoint-queue.ts';
import type { LogPage, LogRange } from '../../webhooks/log-range.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const LAST_SEQ = 2_000;

const epochOf = (site: TestSite) =>
  runInDurableObject(site.object, (_, { storage: { sql } }) =>
    String(sql.exec('SELECT epoch FROM site').one()['epoch']),
  );

/** Reads the log page by page up to {@link LAST_SEQ}. */
async function readPages(site: TestSite, filter: Partial<LogRange> = {}): Promise<LogPage[]> {
  const pages: LogPage[] = [];
  const epoch = await epochOf(site);
  for (let afterSeq = 0; afterSeq < LAST_SEQ; ) {
    const range = { epoch, afterSeq, lastSeq: LAST_SEQ, events: [], addresses: [], ...filter };
    const page = await site.object.readLog(range);
    if (!page) throw new Error('the epoch has changed');
    expect(page.lastSeq).toBeGreaterThan(afterSeq);
    pages.push({ ...page, events: [...page.events] });
    afterSeq = page.lastSeq;
  }
  return pages;
}

const seqsIn = (pages: readonly LogPage[]) => pages.flatMap(({ events }) => events.map(({ seq }) => seq));

/** Runs commands that fail at once. */
async function fail(site: TestSite, count: number, text = ''): Promise<void> {
  const adapter = await site.adapter(scenarios.endNotFound);
  const client = await site.client({ policy: policy({ unread_bytes: 16_777_216 }) });
  for (let n = 0; n < count; n++) await client.runStored({ metadata: { text } });
  adapter.close();
}

it('returns every event once and in order, on pages of some 32 events or of 512 numbers', async () => {
  const site = new TestSite('pages');
  await fail(site, 60);
  const pages = await readPages(site);
  const [first] = pages;
  expect(first?.events.length).toBeGreaterThanOrEqual(REFILL_THRESHOLD);
  expect(first?.events.length).toBeLessThan(REFILL_THRESHOLD + 64);
  const types = pages.flatMap(({ events }) => events.map(({ type, body }) => [type, JSON.parse(body).type]));
  for (const [type, typeInBody] of types) expect(type).toBe(typeInBody);
  const failures = types.filter(([type]) => type === 'command.call_end.error');
  const seqs = seqsIn(pages);
  expect([failures.length, new Set(seqs).size]).toEqual([60, seqs.length]);
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
  const withoutMatches = await readPages(site, { events: ['none.*'] });
  expect(withoutMatches.map(({ lastSeq }) => lastSeq)).toEqual([512, 1_024, 1_536, 2_000]);
});

it('returns null for another epoch', async () => {
  const range = { epoch: 'other', afterSeq: 0, lastSeq: 9, events: [], addresses: [] };
  expect(await new TestSite('other-epoch').object.readLog(range)).toBeNull();
});

it('returns fewer events on a page if they are long', async () => {
  const site = new TestSite('long-pages');
  await fail(site, 80, 'x'.repeat(2_000));
  const pages = await readPages(site, { events: ['command.*.error'] });
  expect(pages.filter(({ events }) => events.length > 0).length).toBeGreaterThan(1);
  expect(seqsIn(pages)).toHaveLength(80);
});

it('matches the event of a command by the parties of its call, even if that has ended before a hibernation', async () => {
  const site = new TestSite('ended-pages');
  const adapter = await site.adapter(statefulCalls('the-call'));
  const client = await site.client();
  await client.request('CallStart', URIS);
  await client.untilEnded();
  await client.request('CallEnd', { callid: 'the-call' });
  await adapter.raiseEvent(dialogEvent('the-call', 4, 5));
  await client.untilEnded();
  adapter.close();
  await evictDurableObject(site.object);
  const seqsAbout = async (address: string) =>
    seqsIn(await readPages(site, { events: ['command.call_end.*'], addresses: [address] }));
  expect(await seqsAbout('bob@*')).not.toEqual([]);
  expect(await seqsAbout('carol@*')).toEqual([]);
});

it('keeps the values of numbers in metadata that a double cannot hold', async () => {
  const site = new TestSite('exact-numbers');
  const adapter = await site.adapter(scenarios.startOk);
  const client = await site.client();
  const metadata = '{"n":9007199254740993,"list":[1e400,-0]}';
  const params = `{"caller":"${URIS.caller}","callee":"${URIS.callee}","metadata":${metadata}}`;
  client.socket.send(`{"jsonrpc":"2.0","id":1,"method":"CallStart","params":${params}}`);
  await client.untilEnded();
  const bodies = (await readPages(site)).flatMap(({ events }) => events.map(({ body }) => body));
  const withMetadata = bodies.filter((body) => body.includes('"metadata":'));
  expect(withMetadata.length).toBeGreaterThan(2);
  for (const body of withMetadata) expect(body).toContain(`"metadata":${metadata}`);
  adapter.close();
});
