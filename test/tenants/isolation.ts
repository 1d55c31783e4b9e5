/**
 * Tests of isolation. Three tenants with three sites each, as deployed: nine OpenSIPS, nine adapters, one edge. A client receives only data
 * of its own tenant, site and subject. What belongs to others gets the same responses as what does not exist.
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, eventNames } from '../harness/client.ts';
import { HIGH_LIMITS } from '../harness/high-limits.ts';
import { ADMIN_SECRET, keyId, MultiTenantStack, type TestSite } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';
import { findCallIds, findMarkers, markedAddress, runMarkedLoad, type TrafficOwner } from './marked-load.ts';
import { maskedFrames, maskedHttpResponses, serializeResponse } from './probe-responses.ts';

/** All subjects use the same session names. */
const SESSIONS = ['s1', 's2'];
/** `ann` has a token that is bound to her address, `bob` has one that is not, and `key` uses the site's API key. */
const SUBJECTS = ['ann', 'bob', 'key'] as const;

interface Subject extends TrafficOwner {
  readonly testSite: TestSite;
  readonly name: (typeof SUBJECTS)[number];
  readonly session: string;
  readonly credential: string;
  readonly client: Client;
}

/** @param isDialed whether the edge dials the adapters */
export function testIsolation(isDialed: boolean): void {
  let stack: MultiTenantStack;
  const subjects: Subject[] = [];

  beforeAll(async () => {
    // The guessing below sends more messages than the default limit allows.
    const tenantSettings = { limits: HIGH_LIMITS };
    stack = await MultiTenantStack.start({
      tenants: 3,
      sites: 3,
      simulatorOptions: { delayFactor: 0 },
      tenantSettings,
      isDialed,
    });
    for (const testSite of stack.sites) {
      for (const name of SUBJECTS) {
        const owner = { siteMarker: testSite.marker, marker: `${testSite.marker}-${name}` };
        const credential = await createCredential(testSite, name, owner);
        for (const session of SESSIONS) {
          const client = await stack.connectClient(credential, `?session=${session}`);
          subjects.push({ ...owner, testSite, name, session, credential, client });
        }
      }
    }
  }, 120_000);
  afterAll(() => stack[Symbol.asyncDispose]());

  /** The subjects have the same names at all sites of all tenants. */
  async function createCredential(testSite: TestSite, name: string, owner: TrafficOwner): Promise<string> {
    if (name === 'key') return testSite.siteKey;
    const binding = name === 'ann' ? { caller: markedAddress('keep', owner) } : {};
    return stack.mintToken(testSite.tenantKey, { site: testSite.site, subject: name, ...binding });
  }

  /** Returns the subject of that name at a site. */
  function findSubject(name: string, siteMarker = 't1-s1', session = 's1'): Subject {
    const subject = subjects.find(
      (candidate) =>
        candidate.siteMarker === siteMarker && candidate.name === name && candidate.session === session,
    );
    if (!subject) throw new Error(`there is no subject ${name}`);
    return subject;
  }

  /** Returns the frames that are notifications of stored commands. */
  const notificationFrames = (frames: readonly string[]) =>
    frames.filter((frame) => frame.includes('"method":') && !frame.includes('"method":"Echo"'));

  it('runs the commands of all subjects at once, and sends nothing to a subject that belongs to another', async () => {
    const results = await Promise.all(
      subjects.map((subject) => runMarkedLoad(subject.client, subject, subject.session)),
    );
    for (const [n, { marker, testSite, client }] of subjects.entries()) {
      const { echo, started, hold, unhold, busy, transferred, unknownCall, end } = results[n] ?? {};
      expect(eventNames(echo ?? []), marker).toEqual(['Reply', 'Ended']);
      expect(eventNames(started ?? []).slice(-2), marker).toEqual(['CalleeAnswered', 'Ended']);
      expect(eventNames(hold ?? []), marker).toContain('CallHoldSuccessful');
      expect(eventNames(unhold ?? []), marker).toContain('CallUnholdSuccessful');
      expect(eventNames(transferred ?? []), marker).toContain('TransferSuccessful');
      expect(eventNames(end ?? []), marker).toEqual(['Ended']);
      for (const failed of [busy, unknownCall])
        expect(eventNames(failed ?? []).slice(-2), marker).toEqual(['Error', 'Ended']);

      const text = client.frames.join('\n');
      expect([...findMarkers(text)].sort(), marker).toEqual([testSite.marker, marker]);
      for (const callid of findCallIds(text)) {
        const dialog = testSite.simulator.ledger.findDialog(callid);
        expect(`${dialog?.from} ${dialog?.to}`, `${marker}: ${callid}`).toContain(`.${marker}@`);
      }
      const seqs = client.notifications.flatMap(({ seq }) => seq ?? []);
      expect(seqs, marker).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    }
  });

  it('sends nothing of a site to the OpenSIPS or the adapter of another', () => {
    for (const { marker, simulator, adapter } of stack.sites) {
      const { requests, dialogs } = simulator.ledger;
      expect(
        requests.filter(({ method }) => method === 't_uac_dlg'),
        marker,
      ).toHaveLength(2 * 3 * 2);
      const seen = JSON.stringify([requests, dialogs]) + adapter?.log();
      const siteMarkers = [...findMarkers(seen)].map((found) => found.slice(0, marker.length));
      expect([...new Set(siteMarkers)], marker).toEqual([marker]);
    }
  });

  it('reports the number of running commands of a site only to its own keys', async () => {
    const bob = findSubject('bob');
    const { client, testSite } = bob;
    const ringing = await client.start('CallStart', {
      ...{ caller: markedAddress('ring', bob), callee: markedAddress('bob', bob), cmd_id: 'rings' },
    });
    await ringing.waitForEvent('CallerRinging');
    for (const other of stack.sites) {
      const { site, link, running } = await stack.fetchHealth(other);
      expect([site, link.adapter, running]).toEqual([
        `${other.tenant}/${other.site}`,
        `adapter-${other.marker}`,
        other === testSite ? 1 : 0,
      ]);
    }
    for (const other of stack.sites.filter(({ marker }) => marker !== testSite.marker)) {
      const response = await stack.fetch(`/healthz?site=${testSite.site}`, other.siteKey);
      const { site = '' } = (await response.json()) as { site?: string };
      if (other.tenant === testSite.tenant) expect(site).toBe('');
      else expect([`${other.tenant}/${other.site}`, '']).toContain(site);
    }
    await client.runToEnd('CallEnd', { callid: 'rings' });
    await ringing.ended;
  });

  it('resumes a session only for its own subject: for another subject the same name is another session', async () => {
    for (const { testSite, session, credential, client, marker } of subjects) {
      const before = notificationFrames(client.frames);
      // The same subject receives all notifications again, byte for byte, and nothing else.
      const resumed = await stack.connectClient(credential, `?session=${session}&since=0`);
      // They come in pages, between which other requests are answered.
      await expect
        .poll(() => notificationFrames(resumed.frames), { message: marker })
        .toHaveLength(before.length);
      await resumed.request('Nothing', {});
      expect(notificationFrames(resumed.frames), marker).toEqual(before);
      expect((await client.closed).code).toBe(4408);
      // Another subject receives the same as for a session that has never existed.
      const eve = await stack.mintToken(testSite.siteKey, { subject: 'eve' });
      const guessed = await stack.connectClient(eve, `?session=${session}&since=0`);
      const unknown = await stack.connectClient(eve, '?session=no-such-session&since=0');
      for (const connected of [guessed, unknown]) await connected.request('Nothing', {});
      expect(guessed.frames, marker).toEqual(unknown.frames);
      expect(notificationFrames(guessed.frames), marker).toEqual([]);
      for (const connected of [resumed, guessed, unknown]) connected.close();
    }
  });

  interface SubjectWithCall extends TrafficOwner {
    readonly name: string;
    readonly client: Client;
    readonly callid: string;
  }

  /** Connects the subjects of a site again, because their earlier sockets were superseded, and starts a call for each. */
  async function startCalls(siteMarker: string): Promise<Record<string, SubjectWithCall>> {
    const subjectsWithCalls: Record<string, SubjectWithCall> = {};
    for (const name of SUBJECTS) {
      const { credential, marker } = findSubject(name, siteMarker);
      const owner = { siteMarker, marker };
      const client = await stack.connectClient(credential, '?session=guessing');
      const parties = { caller: markedAddress('keep', owner), callee: markedAddress('bob', owner) };
      const started = await client.runToEnd('CallStart', { ...parties, cmd_id: `active-${marker}` });
      const [callid = ''] = findCallIds(JSON.stringify(started));
      subjectsWithCalls[name] = { ...owner, name, client, callid };
    }
    return subjectsWithCalls;
  }

  const UNKNOWN_ID = '0123456789abcdef';

  it('responds to Call-IDs and cmd_ids of others, byte for byte, as to those that do not exist', async () => {
    const { ann, bob, key } = await startCalls('t1-s1');
    if (!ann || !bob || !key) throw new Error('a subject is missing');
    const sameTenant = await startCalls('t1-s2');
    const otherTenant = await startCalls('t2-s1');
    const others = [...Object.values(sameTenant), ...Object.values(otherTenant)];
    /** Ann is bound to an address, so only her own calls exist for her. */
    const attempts = [
      { guesser: ann, hidden: [bob, key, ...others] },
      { guesser: bob, hidden: others },
      { guesser: key, hidden: others },
    ];
    for (const { guesser, hidden } of attempts) {
      const destination = markedAddress('carol', guesser);
      const own = { callid: guesser.callid, leg: 'caller' };
      const requestsFor: readonly ((callid: string) => readonly [method: string, params: object])[] = [
        (callid) => ['CallEnd', { callid }],
        (callid) => ['CallHold', { callid }],
        (callid) => ['CallUnhold', { callid }],
        (callid) => ['CallBlindTransfer', { callid, leg: 'caller', destination }],
        (callid) => [
          'CallAttendedTransfer',
          { callidA: callid, legA: 'caller', callidB: own.callid, legB: own.leg },
        ],
        (callid) => [
          'CallAttendedTransfer',
          { callidA: own.callid, legA: own.leg, callidB: callid, legB: 'caller' },
        ],
      ];
      for (const requestFor of requestsFor) {
        const [method, params] = requestFor(UNKNOWN_ID);
        const framesForUnknown = await maskedFrames(guesser.client, method, params, UNKNOWN_ID);
        expect(
          framesForUnknown.some((frame) => frame.includes('"event":"Error"')),
          method,
        ).toBe(true);
        for (const { callid, marker } of hidden) {
          for (const guess of [callid, `active-${marker}`]) {
            const [, guessedParams] = requestFor(guess);
            expect(
              await maskedFrames(guesser.client, method, guessedParams, guess),
              `${guesser.marker}: ${method} ${marker}`,
            ).toEqual(framesForUnknown);
          }
        }
      }
      const { credential } = findSubject(guesser.name, guesser.siteMarker);
      const httpResponses = (guess: string) =>
        maskedHttpResponses((path, init) => stack.fetch(path, credential, init), guess);
      const responsesForUnknown = await httpResponses(UNKNOWN_ID);
      expect(responsesForUnknown.map((text) => text.slice(1, 4))).toEqual([
        '404',
        '404',
        '404',
        '202',
        '200',
      ]);
      for (const { callid, marker } of hidden) {
        // The responses include their lengths, so the compared guesses have the same length.
        expect(await httpResponses(callid), `${guesser.marker}: ${marker}`).toEqual(responsesForUnknown);
        const cmdId = `active-${marker}`;
        expect(await httpResponses(cmdId), marker).toEqual(await httpResponses('x'.repeat(cmdId.length)));
      }
      // A subject can use a cmd_id that another one uses.
      const parties = {
        caller: markedAddress('keep', guesser),
        callee: markedAddress('phone-busy', guesser),
      };
      const framesForFresh = await maskedFrames(
        guesser.client,
        'CallStart',
        { ...parties, cmd_id: 'fresh' },
        'fresh',
      );
      for (const { marker } of hidden) {
        const cmdId = `active-${marker}`;
        expect(await maskedFrames(guesser.client, 'CallStart', { ...parties, cmd_id: cmdId }, cmdId)).toEqual(
          framesForFresh,
        );
      }
    }
    // All of these calls are unchanged.
    for (const { siteMarker, callid } of [ann, bob, key, ...others]) {
      const dialog = stack.site(siteMarker).simulator.ledger.findDialog(callid);
      expect([dialog?.state, dialog?.held, dialog?.transferredFrom !== undefined], siteMarker).toEqual([
        4,
        { caller: false, callee: false },
        true,
      ]);
    }
  });

  it('lets a token that is bound to an address dial only from that address', async () => {
    const ann = findSubject('ann');
    const client = await stack.connectClient(ann.credential);
    const owners = [findSubject('bob'), findSubject('ann', 't1-s2'), { ...ann, marker: 'x' }];
    const callers = [...owners.map((owner) => markedAddress('keep', owner)), markedAddress('KEEP', ann)];
    for (const caller of callers) {
      const { error } = await client.request('CallStart', { caller, callee: markedAddress('carol', ann) });
      expect(error).toMatchObject({ code: -32002, data: expect.stringContaining('may call only from') });
    }
  });

  it('responds to sites, tenants and keys of others as to those that do not exist', async () => {
    const own = stack.site('t1-s1');
    const other = stack.site('t2-s2');
    /** Checks that all responses are equal, and returns one of them. */
    const commonResponse = async (...pending: Promise<Response>[]) => {
      const texts = await Promise.all(pending.map(async (response) => serializeResponse(await response)));
      expect(new Set(texts).size, texts.join('\n')).toBe(1);
      return texts[0];
    };
    const mint = (key: string, site: string) =>
      stack.fetch('/v1/tokens', key, { method: 'POST', body: JSON.stringify({ site, subject: 'eve' }) });
    const admin = (method: string, path: string) => stack.fetch(`/v1/admin${path}`, ADMIN_SECRET, { method });

    // For a key of one site, no other site exists.
    expect(
      await commonResponse(mint(own.siteKey, 's2'), mint(own.siteKey, 's9'), mint(other.siteKey, 's1')),
    ).toContain('401');
    expect(
      await commonResponse(
        stack.fetch('/call-api?site=s2', own.siteKey),
        stack.fetch('/call-api?site=s9', own.siteKey),
        stack.fetch('/call-api?site=s9', own.tenantKey),
        stack.fetch('/call-api?site=t2', own.tenantKey),
        stack.fetch('/call-api', `${own.siteKey}x`),
        // A key with the id or the tenant of another key.
        stack.fetch('/call-api', spliceKeys(own.siteKey, other.siteKey, 4)),
        stack.fetch('/call-api', spliceKeys(own.siteKey, other.siteKey, 3)),
        stack.fetch('/call-api', spliceKeys(own.siteKey, own.siteKey.replace('t1', 't9'), 3)),
        stack.fetch('/call-api', own.adapterKey),
        stack.fetch('/call-api', undefined),
      ),
    ).toContain('401');
    // The site of an adapter is that of its key. A requested site has no effect.
    expect(
      await commonResponse(stack.fetch('/adapter', own.siteKey), stack.fetch('/adapter', 'nothing')),
    ).toContain('401');
    for (const [method, suffix] of [
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      const ids = [keyId(other.siteKey), UNKNOWN_ID];
      const [forOther, forUnknown] = await Promise.all(
        ids.map(async (id) => {
          const response = await admin(method, `/tenants/t1/keys/${id}${suffix}`);
          return (await serializeResponse(response)).replaceAll(id, '<id>');
        }),
      );
      expect(forOther).toBe(forUnknown);
      expect(forOther).toContain('404');
    }
    const { keys } = await stack.adminRequest<{ keys: { id: string }[] }>('GET', '/tenants/t1/keys');
    const tenantSites = stack.sites.filter(({ tenant }) => tenant === 't1');
    const siteKeys = tenantSites.flatMap(({ siteKey, adapterKey }) => [siteKey, adapterKey]);
    expect(keys.map(({ id }) => id).sort()).toEqual([...siteKeys, own.tenantKey].map(keyId).sort());
    // The audit log also has the failed attempts above.
    const { entries } = await stack.adminRequest<{ entries: { outcome: string }[] }>(
      'GET',
      '/tenants/t1/audit?limit=1000',
    );
    const successes = JSON.stringify(entries.filter(({ outcome }) => outcome === 'ok'));
    for (const { tenant, siteKey } of stack.sites)
      expect(successes.includes(keyId(siteKey))).toBe(tenant === 't1');
  });

  /** Returns a key with one part replaced by that of another key. */
  function spliceKeys(key: string, other: string, part: number): string {
    const otherParts = other.split('.');
    return key
      .split('.')
      .map((ownPart, n) => (n === part ? (otherParts[n] ?? '') : ownPart))
      .join('.');
  }

  it('leaves no command running and no process crashed', async () => {
    for (const testSite of stack.sites) {
      await waitUntil(async () => (await stack.fetchHealth(testSite)).running === 0);
      expect((await stack.fetchHealth(testSite)).link.connected).toBe(true);
    }
    expect(stack.edgeProcess.exitCode).toBeNull();
  });
}
