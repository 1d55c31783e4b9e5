/** A page of the log has what is wanted of it, whole and in order, and is never too long. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import type { HookEvent } from '../../shared/webhooks.ts';
import { callsMade, dialog } from '../testing/scenarios.ts';
import { Site } from '../testing/site.ts';
import type { Wanted } from './intake.ts';
import { ENOUGH } from './lane.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

const epochOf = (site: Site) =>
  runInDurableObject(site.object, (_, { storage: { sql } }) =>
    String(sql.exec('SELECT epoch FROM site').one()['epoch']),
  );

/** Reads as many pages as it takes. */
async function pages(site: Site, filter: Partial<Wanted> = {}) {
  const all: { readonly events: readonly HookEvent[]; readonly upto: number }[] = [];
  const epoch = await epochOf(site);
  for (let after = 0; after < 2_000; ) {
    const wanted = { epoch, after, upto: 2_000, events: [], addresses: [], ...filter };
    const page = await site.object.happened(wanted);
    if (!page) throw new Error('there is another log');
    expect(page.upto).toBeGreaterThan(after);
    all.push({ events: [...page.events], upto: page.upto });
    after = page.upto;
  }
  return all;
}

const seqs = (all: readonly { readonly events: readonly HookEvent[] }[]) =>
  all.flatMap(({ events }) => events.map(({ seq }) => seq));

/** Echoes so many texts. */
async function echo(site: Site, count: number, text = ''): Promise<void> {
  const client = await site.client();
  for (let n = 0; n < count; n++) {
    await client.ask('Echo', { text });
    await client.toEnd();
  }
}

it('pages follow one another without a hole, some 32 events or more each, and little wanted is found in few', async () => {
  const site = new Site('pages');
  await echo(site, 60);
  const all = await pages(site);
  const [first] = all;
  expect(first?.events.length).toBeGreaterThanOrEqual(ENOUGH);
  expect(first?.events.length).toBeLessThan(ENOUGH + 64);
  const bodies = all.flatMap(({ events }) => events.map(({ type, body }) => [type, JSON.parse(body).type]));
  for (const [type, inBody] of bodies) expect(type).toBe(inBody);
  const replies = bodies.filter(([type]) => type === 'command.echo.reply');
  expect([replies.length, new Set(seqs(all)).size]).toEqual([60, seqs(all).length]);
  expect(seqs(all)).toEqual(seqs(all).toSorted((one, other) => one - other));
  const none = await pages(site, { events: ['link.*'] });
  expect(none.map(({ upto }) => upto)).toEqual([512, 1_024, 1_536, 2_000]);
  expect(
    await site.object.happened({ epoch: 'other', after: 0, upto: 9, events: [], addresses: [] }),
  ).toBeNull();
});

it('long events make short pages', async () => {
  const site = new Site('long-pages');
  await echo(site, 40, 'x'.repeat(60_000));
  const all = await pages(site, { events: ['command.*.reply'] });
  const lengths = all.map(({ events }) => events.reduce((sum, { body }) => sum + body.length, 0));
  expect(lengths.filter((length) => length > 0).length).toBeGreaterThan(1);
  expect(seqs(all)).toHaveLength(40);
});

it('what a command did to a call is about those who spoke in it, also when it has ended and nobody is awake', async () => {
  const site = new Site('ended-pages');
  const adapter = await site.adapter(callsMade('the-call'));
  const client = await site.client();
  await client.ask('CallStart', uris);
  await client.toEnd();
  await client.ask('CallEnd', { callid: 'the-call' });
  await adapter.raise(dialog('the-call', 4, 5));
  await client.toEnd();
  adapter.close();
  await evictDurableObject(site.object);
  const about = (who: string) => pages(site, { events: ['command.call_end.*'], addresses: [who] });
  expect([seqs(await about('bob@*')).length > 0, seqs(await about('carol@*'))]).toEqual([true, []]);
});
