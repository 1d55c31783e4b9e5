import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ALLOWED_MI } from '../shared/mi.ts';
import { startSimulator } from '../simulator/index.ts';
import { type Adapter, type Dependencies, startAdapter } from './adapter.ts';
import { createLog } from './log.ts';
import type { Settings } from './settings.ts';
import { FakeEdge } from './testing/fake-edge.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';
import { Changing } from './testing/until.ts';

const KEY = 'k3y-"that\\nobody-sees';

class LogLines extends Changing {
  readonly lines: string[] = [];
  readonly stream = new Writable({
    write: (chunk, _encoding, done) => {
      this.lines.push(String(chunk));
      this.changed();
      done();
    },
  });
  saying(text: string): string | undefined {
    return this.lines.find((line) => line.includes(text));
  }
}

const HASTE = {
  reconnectLeast: 1,
  reconnectMost: 20,
  check: 10,
  recheck: 10,
  ownRequest: 200,
  lasted: 0,
};

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface World {
  readonly edge: FakeEdge;
  readonly opensips: FakeOpenSips;
  readonly log: LogLines;
  start(settings?: Partial<Settings>, dependencies?: Partial<Dependencies>): Adapter;
}

async function world(): Promise<World> {
  const edge = await FakeEdge.start();
  cleanups.push(() => edge.stop());
  const opensips = await FakeOpenSips.start();
  cleanups.push(() => opensips.stop());
  const log = new LogLines();
  return {
    edge,
    opensips,
    log,
    start(settings = {}, { timing = {}, ...rest } = {}) {
      const adapter = startAdapter(
        {
          opensips: opensips.address,
          edge: edge.url,
          key: KEY,
          sipNextHop: 'sip:127.0.0.1:5060',
          name: 'test',
          events: undefined,
          allow: new Set(ALLOWED_MI),
          buffer: 1_000,
          subscription: 120,
          logLevel: 'trace',
          ...settings,
        },
        createLog('trace', [KEY], log.stream),
        { timing: { ...HASTE, ...timing }, ...rest },
      );
      cleanups.push(() => adapter.stop());
      return adapter;
    },
  };
}

const ringing = (callid: string) => ({ id: '1.2', callid, old_state: 1, new_state: 2 });

/** Callids of the dialog events that the edge has stored, in order. */
const callids = (edge: FakeEdge) =>
  edge.stored.flatMap((message) =>
    message.type === 'event' && message.name === 'E_DLG_STATE_CHANGED' ? [message.params.callid] : [],
  );

describe('the link', () => {
  it('says hello with what it knows of OpenSIPS, once events are subscribed', async () => {
    const { edge, opensips, start } = await world();
    start();
    const hello = await edge.until(() => edge.hellos[0]);
    expect(hello).toMatchObject({
      version: 1,
      adapter: 'test',
      base: 1,
      opensips: { version: opensips.version, next_hop: 'sip:127.0.0.1:5060', reachable: true },
    });
    expect([...opensips.subscribers.keys()].sort()).toEqual([
      'E_CALL_HOLD',
      'E_CALL_TRANSFER',
      'E_DLG_STATE_CHANGED',
    ]);
    expect(edge.upgrades[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('runs MI requests side by side, and answers in the order of the answers', async () => {
    const { edge, opensips, start } = await world();
    start();
    await edge.until(() => edge.hellos[0]);
    edge.ask({ id: 'slow', method: 't_uac_dlg', params: { ruri: 'sip:alice@10.0.0.10' } });
    const slow = await opensips.until(() => opensips.of('t_uac_dlg')[0]);
    opensips.behaviours.set('dlg_list', () => ({ Dialogs: [] }));
    edge.ask({ id: 'quick', method: 'dlg_list' });
    await edge.until(() => edge.replies().length === 1);
    slow.answer({ Status: '200 OK' });
    await edge.until(() => edge.replies().length === 2);
    expect(slow.params).toEqual({ ruri: 'sip:alice@10.0.0.10' });
    expect(edge.replies()).toMatchObject([
      { seq: 1, id: 'quick', result: { Dialogs: [] } },
      { seq: 2, id: 'slow', result: { Status: '200 OK' } },
    ]);
  });

  it('tells events with their time', async () => {
    const { edge, opensips, start } = await world();
    start({}, { clock: () => 1_700_000_000_000 });
    await edge.until(() => edge.hellos[0]);
    opensips.raise('E_DLG_STATE_CHANGED', ringing('a'));
    await edge.until(() => edge.stored.length === 1);
    expect(edge.stored).toEqual([
      {
        type: 'event',
        seq: 1,
        at: 1_700_000_000_000,
        name: 'E_DLG_STATE_CHANGED',
        params: ringing('a'),
      },
    ]);
  });
});

describe('reconnecting', () => {
  it('replays what was not stored, in order, without loss or doubles, wherever the line is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        fc.boolean(),
        async (cuts, acks) => {
          const { edge, opensips, start } = await world();
          const adapter = start();
          await edge.until(() => edge.hellos[0]);
          edge.acks = acks;
          const due = new Set(cuts);
          // Cut before this one is stored; it must come again.
          edge.cut = ({ seq }) => due.delete(seq);
          const sent = Array.from({ length: 40 }, (_, n) => `call-${n}`);
          for (const callid of sent) opensips.raise('E_DLG_STATE_CHANGED', ringing(callid));
          await edge.until(() => edge.stored.length === 40);
          expect(callids(edge)).toEqual(sent);
          expect(new Set(edge.hellos.map(({ stream }) => stream)).size).toBe(1);
          expect(edge.hellos).toHaveLength(1 + new Set(cuts).size);
          await adapter.stop();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('begins at what is acknowledged, in one frame', async () => {
    const { edge, opensips, start } = await world();
    start();
    await edge.until(() => edge.hellos[0]);
    edge.acks = false;
    for (const callid of ['a', 'b', 'c']) opensips.raise('E_DLG_STATE_CHANGED', ringing(callid));
    await edge.until(() => edge.stored.length === 3);
    edge.ack();
    edge.welcomes = false;
    edge.break();
    const hello = await edge.until(() => edge.hellos[1]);
    expect(hello.base).toBe(4);
    edge.break();
    await edge.until(() => edge.hellos[2]);
    for (const callid of ['d', 'e', 'f']) opensips.raise('E_DLG_STATE_CHANGED', ringing(callid));
    edge.ask({ id: 'after the events', method: 'kill' });
    edge.frames.length = 0;
    edge.welcomes = true;
    edge.break();
    await edge.until(() => edge.stored.length === 7);
    expect(edge.frames).toHaveLength(2);
  });

  it('does not run a request twice that the edge asks again', async () => {
    const { edge, opensips, start } = await world();
    start();
    await edge.until(() => edge.hellos[0]);
    edge.ask({ id: 'x', method: 't_uac_dlg' });
    const running = await opensips.until(() => opensips.of('t_uac_dlg')[0]);
    edge.break();
    await edge.until(() => edge.hellos[1]);
    edge.ask({ id: 'x', method: 't_uac_dlg' });
    running.answer('OK');
    await edge.until(() => edge.replies().length === 1);
    // The answer to another request shows that the doubled one would have been run by now.
    edge.ask({ id: 'y', method: 'kill' });
    await edge.until(() => edge.replies().length === 2);
    expect(opensips.of('t_uac_dlg')).toHaveLength(1);
    expect(edge.replies()).toMatchObject([
      { id: 'x', result: 'OK' },
      { id: 'y', outcome: 'refused' },
    ]);
  });

  it('says what it dropped while the edge was away', async () => {
    const { edge, opensips, start } = await world();
    start({ buffer: 4 });
    await edge.until(() => edge.hellos[0]);
    edge.acks = false;
    for (let n = 0; n < 9; n += 1) opensips.raise('E_DLG_STATE_CHANGED', ringing(`call-${n}`));
    await edge.until(() => edge.stored.length === 4);
    // Two more looks at OpenSIPS: by then all nine events have been taken.
    const looks = opensips.of('uptime').length;
    await opensips.until(() => opensips.of('uptime').length > looks + 1);
    edge.ask({ id: 'kept', method: 'kill' });
    await edge.until(() => edge.replies()[0]);
    edge.acks = true;
    edge.ack();
    await edge.until(() => edge.gaps().length > 0);
    expect(callids(edge)).toEqual(['call-0', 'call-1', 'call-2', 'call-3']);
    expect(edge.gaps()).toEqual(["the adapter's buffer was full: 5 messages were dropped"]);
  });

  it('begins a new stream with each start', async () => {
    const { edge, start } = await world();
    const first = start();
    await edge.until(() => edge.hellos[0]);
    await first.stop();
    start();
    const second = await edge.until(() => edge.hellos[1]);
    expect(second.stream).not.toBe(edge.hellos[0]?.stream);
  });

  it('leaves a link that has fallen silent', async () => {
    const { edge, start } = await world();
    edge.pongs = false;
    start({}, { timing: { ping: 10, dead: 30 } });
    await edge.until(() => edge.hellos[1]);
    expect(edge.pings).toBeGreaterThan(0);
  });

  it('keeps a link on which nothing is said but ping and pong', async () => {
    const { edge, start } = await world();
    start({}, { timing: { ping: 5, dead: 500 } });
    await edge.until(() => edge.pings > 20);
    expect(edge.hellos).toHaveLength(1);
  });

  it('leaves an edge that does not say welcome', async () => {
    const { edge, log, start } = await world();
    edge.welcomes = false;
    start({}, { timing: { handshake: 30 } });
    await edge.until(() => edge.hellos[1]);
    expect(log.saying('did not say welcome')).toBeDefined();
  });

  it('comes back when the edge is found again', async () => {
    const { edge, opensips, log, start } = await world();
    const port = Number(new URL(edge.url).port);
    start();
    await edge.until(() => edge.hellos[0]);
    await edge.stop();
    opensips.raise('E_DLG_STATE_CHANGED', ringing('meanwhile'));
    await log.until(() => log.saying('ECONNREFUSED'));
    const again = await FakeEdge.start(port);
    cleanups.push(() => again.stop());
    await again.until(() => again.stored.length === 1);
    expect(callids(again)).toEqual(['meanwhile']);
  });
});

describe('an edge that refuses', () => {
  it.each([401, 403, 404])('with HTTP %i is asked again, but slowly', async (status) => {
    const { edge, log, start } = await world();
    edge.refuse = status;
    start({}, { timing: { refused: 7 } });
    await edge.until(() => edge.upgrades.length === 2);
    expect(log.saying('"retry_ms":7')).toMatch(/check (ADAPTER_KEY|EDGE_URL)/);
    edge.refuse = undefined;
    await edge.until(() => edge.hellos[0]);
  });

  it.each([4406, 4408, 4409])('with close code %i is asked again, but slowly', async (code) => {
    const { edge, log, start } = await world();
    edge.closeWith = code;
    start({}, { timing: { refused: 7 } });
    await edge.until(() => edge.hellos[1]);
    expect(log.saying('"retry_ms":7')).toBeDefined();
  });

  it('is not in the DNS: told, and tried again', async () => {
    const { log, start } = await world();
    start({ edge: 'ws://edge.invalid/adapter?access_token=hidden' });
    await log.until(() => log.lines.filter((line) => line.includes('the edge cannot be reached')).length > 1);
    expect(log.lines.join()).not.toContain('hidden');
  });

  it.each<[string, object]>([
    ['an unknown message', { type: 'dance' }],
    ['a welcome of another stream', { type: 'welcome', version: 1, stream: 'other', applied: 0 }],
    ['an ack of what was never sent', { type: 'ack', seq: 99 }],
  ])('or says %s breaks the protocol: the link is closed with 4400', async (_, message) => {
    const { edge, start } = await world();
    start({}, { timing: { refused: 7 } });
    await edge.until(() => edge.hellos[0]);
    edge.send(message);
    await edge.until(() => edge.closes.includes(4400));
    await edge.until(() => edge.hellos[1]);
  });
});

describe('OpenSIPS', () => {
  it('that restarts is noticed: subscribed again, and a gap', async () => {
    const { edge, opensips, start } = await world();
    start();
    await edge.until(() => edge.hellos[0]);
    opensips.restart('Mon Nov 23 10:49:35 2026');
    // Where it falls between two requests of one look, lapsed subscriptions are seen first.
    await edge.until(() => edge.gaps().includes('OpenSIPS restarted'));
    opensips.raise('E_DLG_STATE_CHANGED', ringing('after'));
    await edge.until(() => callids(edge).length > 0);
  });

  it('that does not answer is told with a status, and so is its return', async () => {
    const { edge, opensips, start } = await world();
    const { port } = opensips.address;
    await opensips.stop();
    start({ opensips: { host: '127.0.0.1', port } });
    const hello = await edge.until(() => edge.hellos[0]);
    expect(hello.opensips).toMatchObject({ version: '', reachable: false });
    edge.ask({ id: 'x', method: 'dlg_list' });
    await edge.until(() => edge.replies()[0]);
    expect(edge.replies()).toMatchObject([{ id: 'x', outcome: 'unreachable' }]);
    await opensips.listen(port);
    const status = await edge.until(() => edge.heard.find((message) => message.type === 'status'));
    expect(status).toMatchObject({ opensips: { version: opensips.version, reachable: true } });
    await edge.until(() => edge.gaps().length > 0);
  });

  it('runs nothing that is not on the list, or too late', async () => {
    const { edge, opensips, start } = await world();
    start();
    await edge.until(() => edge.hellos[0]);
    edge.ask({ id: 'a', method: 'kill' });
    edge.ask({ id: 'b', method: 'dlg_list', ttl_ms: 0 });
    edge.ask({ id: 'c', method: 'call_hold', timeout_ms: 20 });
    await edge.until(() => edge.replies().length === 3);
    expect(edge.replies()).toMatchObject([
      { id: 'a', outcome: 'refused' },
      { id: 'b', outcome: 'expired' },
      { id: 'c', outcome: 'timeout' },
    ]);
    expect([...opensips.of('kill'), ...opensips.of('dlg_list')]).toEqual([]);
  });
});

describe('stopping', () => {
  it('answers what is open, unsubscribes, says goodbye and closes with 1000', async () => {
    const { edge, opensips, start } = await world();
    const adapter = start();
    await edge.until(() => edge.hellos[0]);
    edge.ask({ id: 'x', method: 't_uac_dlg' });
    await opensips.until(() => opensips.of('t_uac_dlg')[0]);
    await adapter.stop();
    await edge.until(() => edge.closes.length > 0);
    expect(edge.replies()).toMatchObject([{ id: 'x', outcome: 'timeout' }]);
    expect(edge.heard.at(-1)).toEqual({ type: 'goodbye' });
    expect(edge.closes).toEqual([1000]);
    expect([...opensips.subscribers.values()].every((sockets) => sockets.size === 0)).toBe(true);
  });

  it('ends although neither OpenSIPS nor the edge answers', async () => {
    const { edge, opensips, start } = await world();
    edge.welcomes = false;
    const adapter = start({}, { timing: { stop: 40 } });
    await edge.until(() => edge.hellos[0]);
    opensips.silent = true;
    await adapter.stop();
  });
});

it('the log never holds the key', async () => {
  const { edge, log, start } = await world();
  edge.refuse = 401;
  start({}, { timing: { refused: 1 } });
  await log.until(() => log.saying('ADAPTER_KEY'));
  edge.refuse = undefined;
  await log.until(() => log.saying('connected to the edge'));
  expect(log.lines.join()).not.toContain('obody-sees');
});

describe('with the simulator', () => {
  it('a phone is called, the events of its dialog come, and a restart is told', async () => {
    const { edge, start } = await world();
    const simulator = await startSimulator({ gaps: 0, uptimeSeconds: 60 });
    cleanups.push(() => simulator.close());
    start({ opensips: simulator.mi });
    await edge.until(() => edge.hellos[0]);
    const callid = await simulator.dial({ from: 'sip:alice@127.0.0.1:5060', to: 'sip:bob@127.0.0.1:5060' });
    await edge.until(() => callids(edge).includes(callid));
    edge.ask({ id: 'list', method: 'dlg_list', params: { callid } });
    await edge.until(() => edge.replies().length === 1);
    expect(edge.replies()[0]).toMatchObject({ id: 'list', result: { Dialog: { callid } } });
    simulator.restart({ keepDialogs: false });
    // Where it falls between two requests of one look, lapsed subscriptions are seen first.
    await edge.until(() => edge.gaps().includes('OpenSIPS restarted'));
  });
});
