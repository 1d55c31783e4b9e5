/**
 * Three tenants with three sites each, as deployed: nine OpenSIPS, nine adapters, one edge. Whatever a client is sent
 * belongs to its own tenant, site and subject, and what is another's is answered as what does not exist.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, events } from './stack/client.ts';
import { until } from './stack/stack.ts';
import { ADMIN_SECRET, idOf, type Place, Tenants } from './stack/tenants.ts';
import { answersOverHttp, answersTo, wholeAnswer } from './tenants/guess.ts';
import { address, callidsIn, load, marksIn, type Whose } from './tenants/load.ts';

/** The same names of sessions for everybody. */
const SESSIONS = ['s1', 's2'];
/** `ann` has a token that is bound to her address, `bob` one that is not, `key` is the site's API key itself. */
const SUBJECTS = ['ann', 'bob', 'key'] as const;

interface Visitor extends Whose {
  readonly at: Place;
  readonly name: (typeof SUBJECTS)[number];
  readonly session: string;
  readonly credential: string;
  readonly client: Client;
}

let all: Tenants;
const visitors: Visitor[] = [];

beforeAll(async () => {
  // One who guesses asks more than an honest user does.
  const settings = { limits: { messages_per_second: 10_000 } };
  all = await Tenants.start({ tenants: 3, sites: 3, simulated: { gaps: 0 }, settings });
  for (const at of all.places) {
    for (const name of SUBJECTS) {
      const credential = await credentialOf(at, name);
      for (const session of SESSIONS) {
        const client = await all.connect(credential, `?session=${session}`);
        visitors.push({ at, place: at.mark, mark: `${at.mark}-${name}`, name, session, credential, client });
      }
    }
  }
}, 60_000);
afterAll(() => all[Symbol.asyncDispose]());

async function credentialOf(at: Place, name: string): Promise<string> {
  if (name === 'key') return at.siteKey;
  const whose = { place: at.mark, mark: `${at.mark}-${name}` };
  const bound = name === 'ann' ? { caller: address('keep', whose) } : {};
  // The same names at all sites of all tenants.
  return all.mint(at.tenantKey, { site: at.site, subject: name, ...bound });
}

/** The one at the first site, or at another place, of that name. */
function visitor(name: string, mark = 't1-s1', session = 's1'): Visitor {
  const found = visitors.find(
    (each) => each.place === mark && each.name === name && each.session === session,
  );
  if (!found) throw new Error(`nobody is ${name}`);
  return found;
}

/** All that was told, without answers to requests. */
const told = (frames: readonly string[]) => frames.filter((frame) => frame.includes('"method":'));

it('all at once: each does all that it came for, and is sent nothing of anybody else', async () => {
  const done = await Promise.all(visitors.map((each) => load(each.client, each, each.session)));
  for (const [n, { mark, at, client }] of visitors.entries()) {
    const { echo, started, hold, unhold, busy, moved, nobody, end } = done[n] ?? {};
    expect(events(echo ?? []), mark).toEqual(['Reply', 'Ended']);
    expect(events(started ?? []).slice(-2), mark).toEqual(['CalleeAnswered', 'Ended']);
    expect(events(hold ?? []), mark).toContain('CallHoldSuccessful');
    expect(events(unhold ?? []), mark).toContain('CallUnholdSuccessful');
    expect(events(moved ?? []), mark).toContain('TransferSuccessful');
    expect(events(end ?? []), mark).toEqual(['Ended']);
    for (const failed of [busy, nobody])
      expect(events(failed ?? []).slice(-2), mark).toEqual(['Error', 'Ended']);

    const text = client.frames.join('\n');
    expect([...marksIn(text)].sort(), mark).toEqual([at.mark, mark]);
    for (const callid of callidsIn(text)) {
      const dialog = at.simulator.ledger.dialog(callid);
      expect(`${dialog?.from} ${dialog?.to}`, `${mark}: ${callid}`).toContain(`.${mark}@`);
    }
    const seqs = client.all.map(({ seq }) => seq);
    expect(seqs, mark).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  }
});

it('no OpenSIPS and no adapter has seen anything of another place', () => {
  for (const { mark, simulator, adapter } of all.places) {
    const { requests, dialogs } = simulator.ledger;
    expect(
      requests.filter(({ method }) => method === 't_uac_dlg'),
      mark,
    ).toHaveLength(2 * 3 * 2);
    const seen = JSON.stringify([requests, dialogs]) + adapter?.log();
    const places = [...marksIn(seen)].map((found) => found.slice(0, mark.length));
    expect([...new Set(places)], mark).toEqual([mark]);
  }
});

it('counts of commands are those of the own site, and told to its own keys only', async () => {
  const { client, at, ...whose } = visitor('bob');
  const ringing = await client.run('CallStart', {
    ...{ caller: address('ring', whose), callee: address('bob', whose), cmd_id: 'rings' },
  });
  await ringing.event('CallerRinging');
  for (const place of all.places) {
    const { site, link, running } = await all.health(place);
    expect([site, link.adapter, running]).toEqual([
      `${place.tenant}/${place.site}`,
      `adapter-${place.mark}`,
      place === at ? 1 : 0,
    ]);
  }
  for (const other of all.places.filter(({ mark }) => mark !== at.mark)) {
    const asked = await all.get(`/healthz?site=${at.site}`, other.siteKey);
    const { site = '' } = (await asked.json()) as { site?: string };
    if (other.tenant === at.tenant) expect(site).toBe('');
    else expect([`${other.tenant}/${other.site}`, '']).toContain(site);
  }
  await client.toEnd('CallEnd', { callid: 'rings' });
  await ringing.ended;
});

it('a session is taken up by its own subject alone: another of the same name there is another', async () => {
  for (const { at, session, credential, client, mark } of visitors) {
    const before = told(client.frames);
    // The same subject: all of it again, word for word, and nothing else.
    const again = await all.connect(credential, `?session=${session}&since=0`);
    await again.ask('Nothing', {});
    expect(told(again.frames), mark).toEqual(before);
    expect((await client.closed).code).toBe(4408);
    // Another one there: as for a session that never was.
    const eve = await all.mint(at.siteKey, { subject: 'eve' });
    const theirs = await all.connect(eve, `?session=${session}&since=0`);
    const nobodys = await all.connect(eve, '?session=no-such-session&since=0');
    for (const each of [theirs, nobodys]) await each.ask('Nothing', {});
    expect(theirs.frames, mark).toEqual(nobodys.frames);
    expect(told(theirs.frames), mark).toEqual([]);
    for (const each of [again, theirs, nobodys]) each.close();
  }
});

interface Standing extends Whose {
  readonly name: string;
  readonly client: Client;
  readonly callid: string;
}

/** Fresh sockets of the three, since those before were superseded; with a call of each that stands. */
async function withCalls(mark: string): Promise<Record<string, Standing>> {
  const found: Record<string, Standing> = {};
  for (const name of SUBJECTS) {
    const { credential, place, mark: own } = visitor(name, mark);
    const whose = { place, mark: own };
    const client = await all.connect(credential, '?session=guessing');
    const parties = { caller: address('keep', whose), callee: address('bob', whose) };
    const started = await client.toEnd('CallStart', { ...parties, cmd_id: `standing-${own}` });
    const [callid = ''] = callidsIn(JSON.stringify(started));
    found[name] = { ...whose, name, client, callid };
  }
  return found;
}

it('Call-IDs and cmd_ids of others are answered, byte for byte, as those that do not exist', async () => {
  const here = await withCalls('t1-s1');
  const nextDoor = await withCalls('t1-s2');
  const elsewhere = await withCalls('t2-s1');
  const { ann, bob, key } = here;
  if (!ann || !bob || !key) throw new Error('nobody is here');
  const others = [...Object.values(nextDoor), ...Object.values(elsewhere)];
  /** Who guesses, and what is not theirs. One who is bound to an address has only her own calls. */
  const guesses = [
    { who: ann, theirs: [bob, key, ...others] },
    { who: bob, theirs: others },
    { who: key, theirs: others },
  ];
  for (const { who, theirs } of guesses) {
    const destination = address('carol', who);
    const ways: readonly ((callid: string) => readonly [string, object])[] = [
      (callid) => ['CallEnd', { callid }],
      (callid) => ['CallHold', { callid }],
      (callid) => ['CallUnhold', { callid }],
      (callid) => ['CallBlindTransfer', { callid, leg: 'caller', destination }],
      (callid) => [
        'CallAttendedTransfer',
        { callidA: callid, legA: 'caller', callidB: who.callid, legB: 'caller' },
      ],
      (callid) => [
        'CallAttendedTransfer',
        { callidA: who.callid, legA: 'caller', callidB: callid, legB: 'caller' },
      ],
    ];
    for (const way of ways) {
      const [method, params] = way('0123456789abcdef');
      const none = await answersTo(who.client, method, params, '0123456789abcdef');
      expect(
        none.some((frame) => frame.includes('"event":"Error"')),
        method,
      ).toBe(true);
      for (const { callid, mark } of theirs) {
        for (const guess of [callid, `standing-${mark}`]) {
          const [, guessed] = way(guess);
          expect(
            await answersTo(who.client, method, guessed, guess),
            `${who.mark}: ${method} ${mark}`,
          ).toEqual(none);
        }
      }
    }
    const { credential } = visitor(who.name, who.place);
    const overHttp = (guess: string) =>
      answersOverHttp((path, init) => all.get(path, credential, init), guess);
    const nothing = await overHttp('0123456789abcdef');
    expect(nothing.map((text) => text.slice(1, 4))).toEqual(['404', '404', '404', '202', '200']);
    for (const { callid, mark } of theirs) {
      // Whole answers are compared, and their lengths stand in them: so what is guessed is as long.
      expect(await overHttp(callid), `${who.mark}: ${mark}`).toEqual(nothing);
      const named = `standing-${mark}`;
      expect(await overHttp(named), mark).toEqual(await overHttp('x'.repeat(named.length)));
    }
    // A cmd_id of another's is free, whatever it names there.
    const parties = { caller: address('keep', who), callee: address('phone-busy', who) };
    const fresh = await answersTo(who.client, 'CallStart', { ...parties, cmd_id: 'fresh' }, 'fresh');
    for (const { mark } of theirs) {
      const taken = `standing-${mark}`;
      expect(await answersTo(who.client, 'CallStart', { ...parties, cmd_id: taken }, taken)).toEqual(fresh);
    }
  }
  // And none of those calls has come to harm.
  for (const { place, callid } of [ann, bob, key, ...others]) {
    const dialog = all.at(place).simulator.ledger.dialog(callid);
    expect([dialog?.state, dialog?.held, dialog?.transferredFrom !== undefined], place).toEqual([
      4,
      { caller: false, callee: false },
      true,
    ]);
  }
});

it('a token that is bound to an address dials from no other', async () => {
  const ann = visitor('ann');
  const client = await all.connect(ann.credential);
  const others = [visitor('bob'), visitor('ann', 't1-s2'), { ...ann, mark: 'x' }];
  for (const caller of [...others.map((each) => address('keep', each)), address('KEEP', ann)]) {
    const { error } = await client.ask('CallStart', { caller, callee: address('carol', ann) });
    expect(error).toMatchObject({ code: -32002, data: expect.stringContaining('may dial from') });
  }
});

it('sites, tenants and keys of others are answered as those that do not exist', async () => {
  const mine = all.at('t1-s1');
  const theirs = all.at('t2-s2');
  const same = async (...answers: Promise<Response>[]) => {
    const texts = await Promise.all(answers.map(async (answer) => wholeAnswer(await answer)));
    expect(new Set(texts).size, texts.join('\n')).toBe(1);
    return texts[0];
  };
  const mint = (key: string, site: string) =>
    all.get('/v1/tokens', key, { method: 'POST', body: JSON.stringify({ site, subject: 'eve' }) });
  const admin = (method: string, path: string) => all.get(`/v1/admin${path}`, ADMIN_SECRET, { method });

  // Where a key for one site asks for another, that one exists for it no more than any other name.
  expect(
    await same(mint(mine.siteKey, 's2'), mint(mine.siteKey, 's9'), mint(theirs.siteKey, 's1')),
  ).toContain('401');
  expect(
    await same(
      all.get('/call-api?site=s2', mine.siteKey),
      all.get('/call-api?site=s9', mine.siteKey),
      all.get('/call-api?site=s9', mine.tenantKey),
      all.get('/call-api?site=t2', mine.tenantKey),
      all.get('/call-api', `${mine.siteKey}x`),
      // A key with the id, or the secret, of another's.
      all.get('/call-api', spliced(mine.siteKey, theirs.siteKey, 4)),
      all.get('/call-api', spliced(mine.siteKey, theirs.siteKey, 3)),
      all.get('/call-api', spliced(mine.siteKey, mine.siteKey.replace('t1', 't9'), 3)),
      all.get('/call-api', mine.adapterKey),
      all.get('/call-api', undefined),
    ),
  ).toContain('401');
  // An adapter's key says where it is; a site that is asked for changes nothing of that.
  expect(await same(all.get('/adapter', mine.siteKey), all.get('/adapter', 'nothing'))).toContain('401');
  for (const [method, path] of [
    ['DELETE', '/keys/'],
    ['POST', '/keys/'],
  ] as const) {
    const end = method === 'POST' ? '/rotate' : '';
    const own = idOf(theirs.siteKey);
    const answers = [own, '0123456789abcdef'].map(async (id) =>
      (await wholeAnswer(await admin(method, `/tenants/t1${path}${id}${end}`))).replaceAll(id, '<id>'),
    );
    const [one, other] = await Promise.all(answers);
    expect(one).toBe(other);
    expect(one).toContain('404');
  }
  const { keys } = await all.admin<{ keys: { id: string }[] }>('GET', '/tenants/t1/keys');
  const ids = all.places.filter(({ tenant }) => tenant === 't1').flatMap((at) => [at.siteKey, at.adapterKey]);
  expect(keys.map(({ id }) => id).sort()).toEqual([...ids, mine.tenantKey].map(idOf).sort());
  // What was tried above stands there too, with how it ended.
  const { entries } = await all.admin<{ entries: { outcome: string }[] }>(
    'GET',
    '/tenants/t1/audit?limit=1000',
  );
  const trail = JSON.stringify(entries.filter(({ outcome }) => outcome === 'ok'));
  for (const { tenant, siteKey } of all.places) expect(trail.includes(idOf(siteKey))).toBe(tenant === 't1');
});

/** A key with one part of another's. */
function spliced(key: string, other: string, part: number): string {
  const theirs = other.split('.');
  return key
    .split('.')
    .map((own, n) => (n === part ? (theirs[n] ?? '') : own))
    .join('.');
}

it('nothing is left running, and nothing has fallen over', async () => {
  for (const place of all.places) {
    await until(async () => (await all.health(place)).running === 0);
    expect((await all.health(place)).link.connected).toBe(true);
  }
  expect(all.edge.exitCode).toBeNull();
});
