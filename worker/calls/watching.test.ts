/** Watching: a snapshot and then every change, through sleeps and absences; and who may see what. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { callsMade, dialog, script } from '../testing/scenarios.ts';
import { Site } from '../testing/site.ts';
import { WATCHED_MOST } from './watchers.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

interface Notice {
  readonly method: string;
  readonly params: { event: string; seq: number; call?: { callid: string; state: string } };
}

type Client = Awaited<ReturnType<Site['client']>>;

const watched = async (client: Client, params: object = {}) => {
  const answer = (await client.ask('CallWatch', params)) as unknown as {
    result: { calls: { callid: string }[]; seq: number; reset?: boolean };
    error?: { code: number; data: string };
  };
  return answer.result ?? answer.error;
};
const short = ({ method, params: { event, call } }: Notice) =>
  [method, event, call?.callid].filter(Boolean).join(' ');
const next = async (client: Client, many: number) => {
  const told: Notice[] = [];
  while (told.length < many) told.push(...[await client.socket.next<Notice | Notice[]>()].flat());
  return told;
};

/** An OpenSIPS that knows of nothing that was not raised. */
const silent = script({ dlg_list: () => ({ outcome: 'timeout' }) });

it('between the snapshot and the changes there is no hole, and a sleep makes none', async () => {
  const site = new Site();
  const adapter = await site.adapter(silent);
  await adapter.raise(dialog('c1', 1, 2));
  const client = await site.client();
  await expect.poll(async () => (await watched(client)).calls.length).toBe(1);
  await adapter.raise(dialog('c1', 2, 3));
  expect((await next(client, 1)).map(short)).toEqual(['Call Answered c1']);
  await evictDurableObject(site.object);
  await adapter.raise(dialog('c1', 4, 5));
  await adapter.raise(dialog('c2', 1, 2));
  const told = await next(client, 2);
  expect(told.map(short)).toEqual(['Call Ended c1', 'Call Ringing c2']);
  adapter.close();
  expect((await next(client, 1)).map(short)).toEqual(['Link Down']);
});

it('who comes back gets what has changed, then what it missed in order; what is not kept is told as a reset', async () => {
  const site = new Site();
  const adapter = await site.adapter(silent);
  const always = await site.client();
  const { seq } = await watched(always);
  await adapter.raise(dialog('c1', 1, 2));
  await adapter.raise(dialog('c1', 2, 3));
  const told = await next(always, 2);
  const back = await site.client();
  const answer = await watched(back, { since: seq });
  expect(answer).toMatchObject({ calls: [{ callid: 'c1', state: 'answered' }] });
  expect(answer).not.toHaveProperty('reset');
  expect(await next(back, 2)).toEqual(told);
  const other = await site.client();
  expect(await watched(other, { since: 10_000_000 })).toMatchObject({
    reset: true,
    calls: [{ callid: 'c1' }],
  });
  adapter.close();
});

it('who watches one call is told of no other, and of nothing once it watches no more', async () => {
  const site = new Site();
  const adapter = await site.adapter(silent);
  const [one, all] = [await site.client(), await site.client()];
  await watched(one, { callid: 'c1' });
  await watched(all);
  await adapter.raise(dialog('c2', 1, 2));
  await adapter.raise(dialog('c1', 1, 2));
  expect((await next(one, 1)).map(short)).toEqual(['Call Ringing c1']);
  await one.ask('CallUnwatch', { callid: 'c1' });
  await adapter.raise(dialog('c1', 2, 3));
  await next(all, 3);
  expect(await one.ask('Echo', {})).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('a further watch takes nothing from one that the socket has already', async () => {
  const site = new Site();
  const adapter = await site.adapter(silent);
  const client = await site.client();
  await watched(client);
  await adapter.raise(dialog('c1', 1, 2));
  // It is known now, and waits to be told together with what may follow.
  while ((await client.ask('CallGet', { callid: 'c1' })).error);
  await watched(client, { callid: 'c9' });
  expect((await next(client, 1)).map(short)).toEqual(['Call Ringing c1']);
  adapter.close();
});

it('single calls up to their number, however long their names: that fits beside a socket', async () => {
  const client = await new Site().client();
  for (let n = 0; n < WATCHED_MOST; n++) await watched(client, { callid: `${n}`.padStart(256, 'x') });
  expect(await watched(client, { callid: 'one-more' })).toMatchObject({ code: -32602 });
});

it('one that is bound to an address sees its own calls only, and one without the scope read sees none', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade('mine', 'theirs'));
  const mine = await site.client({ subject: 'sub:alice', caller: uris.caller });
  const other = await site.client();
  const blind = await site.client({ subject: 'sub:blind', scopes: ['CallStart'] });
  const watching = await site.client({ subject: 'sub:alice', caller: uris.caller });
  await watched(watching);
  for (const client of [other, mine]) {
    await client.ask('CallStart', uris);
    await client.toEnd();
  }
  // The first call of the two was the other's.
  const of = ({ result }: Awaited<ReturnType<Client['ask']>>) =>
    (result as unknown as { calls: { callid: string }[] }).calls.map(({ callid }) => callid);
  expect(of(await mine.ask('CallList', {}))).toContain('theirs');
  expect(of(await mine.ask('CallList', {}))).not.toContain('mine');
  expect(of(await other.ask('CallList', {}))).toEqual(expect.arrayContaining(['mine', 'theirs']));
  const told = await next(watching, 2);
  expect(told.every(({ params: { call } }) => call?.callid !== 'mine')).toBe(true);
  expect(await mine.ask('CallGet', { callid: 'mine' })).toMatchObject({ error: { code: -32005 } });
  for (const [method, params] of [
    ['CallList', {}],
    ['CallGet', { callid: 'mine' }],
    ['CallWatch', {}],
    ['CallUnwatch', {}],
  ] as const) {
    expect(await blind.ask(method, params)).toMatchObject({ error: { code: -32002 } });
  }
  const unknown = await new Site().client({ caller: uris.caller });
  expect(await unknown.ask('CallGet', { callid: 'theirs' })).toMatchObject({
    error: { code: -32005, data: 'no such call is known here' },
  });
  adapter.close();
});
