/** Several adapters of a site: one serves it, and the others take over. */
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { PING_TIMEOUT_MS } from '../../../shared/protocol/link.ts';
import { TestSite } from '../../testing/site.ts';
import type { FakeSocket } from './testing/fake-socket.ts';
import { LinkFixture } from './testing/link-fixture.ts';

const OPENSIPS = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1', reachable: true };

function withLink(test: (fixture: LinkFixture) => void): Promise<void> {
  return runInDurableObject(new TestSite().object, (_, { storage }) => test(new LinkFixture(storage)));
}

function event(seq: number) {
  const params = {
    id: '1.2',
    db_id: 1,
    callid: `c${seq}`,
    from_tag: 'f',
    to_tag: '',
    old_state: 1,
    new_state: 2,
  };
  return { type: 'event', seq, at: seq, name: 'E_DLG_STATE_CHANGED', params };
}

/** Commits, and returns what a socket was sent since the last time. */
function messagesTo(
  fixture: LinkFixture,
  socket: FakeSocket,
): { readonly type: string; readonly id: string }[] {
  fixture.link.takeStatusChange();
  fixture.link.flush([], false);
  return socket.frames.splice(0).flatMap((frame) => JSON.parse(frame));
}

const callids = ({ listener }: LinkFixture) =>
  listener.onEvent.mock.calls.map(([{ params }]) => params.callid);

/** Connects `test`, which serves the site, and `other`, which waits. */
function connectTwo(fixture: LinkFixture, base = 1) {
  const first = fixture.connect();
  const second = fixture.connect({ adapter: 'other', stream: 'two', base });
  expect(messagesTo(fixture, first)).toMatchObject([{ type: 'welcome', role: 'active' }]);
  expect(messagesTo(fixture, second)).toMatchObject([
    { type: 'welcome', role: 'standby', applied: base - 1 },
  ]);
  return { first, second };
}

describe('a standby', () => {
  it('gets no requests, and its events are acknowledged and discarded', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      fixture.receive(
        second,
        Array.from({ length: 100 }, (_, index) => event(index + 1)),
      );
      fixture.receive(second, { type: 'gap', seq: 101, reason: 'test' });
      fixture.link.flush([{ type: 'mi', id: 'r', method: 'm', params: {}, timeout_ms: 1, ttl_ms: 1 }], false);
      expect(messagesTo(fixture, first)).toMatchObject([{ type: 'mi', id: 'r' }]);
      expect(messagesTo(fixture, second)).toEqual([{ type: 'ack', seq: 101 }]);
      expect(fixture.listener.onEvent).not.toHaveBeenCalled();
      expect(fixture.listener.resync).not.toHaveBeenCalled();
      expect(fixture.link.applied).toEqual([{ stream: 'one', seq: 0 }]);
    }));

  it('may reply to requests of the time when it served the site', () =>
    withLink((fixture) => {
      const { second } = connectTwo(fixture);
      fixture.receive(second, { type: 'reply', seq: 1, id: 'r', result: 'OK' });
      expect(fixture.listener.onReply).toHaveBeenCalledWith(expect.objectContaining({ id: 'r' }), 0);
    }));

  it('keeps its role and its position in a hibernation', () =>
    withLink((fixture) => {
      const { second } = connectTwo(fixture);
      fixture.receive(second, [event(1), event(2)]);
      messagesTo(fixture, second);
      fixture.restore();
      expect(fixture.listener.onLinkRestored.mock.calls).toEqual([['one']]);
      fixture.receive(second, [event(2), event(3)]);
      expect(second.closedWith).toBeUndefined();
      expect(callids(fixture)).toEqual([]);
    }));

  it('is closed when a message is missing, as the active one is', () =>
    withLink((fixture) => {
      const { second } = connectTwo(fixture);
      fixture.receive(second, event(2));
      expect(second.closedWith).toMatchObject({ code: 1011 });
      expect(fixture.link.isConnected).toBe(true);
    }));

  it('is replaced by a newer connection with its name, as the active one is', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      const newer = fixture.connect({ adapter: 'other', stream: 'two' });
      expect(second.closedWith).toMatchObject({ code: 4408 });
      expect(messagesTo(fixture, newer)).toMatchObject([{ type: 'welcome', role: 'standby' }]);
      const newerFirst = fixture.connect();
      expect(first.closedWith).toMatchObject({ code: 4408 });
      expect(messagesTo(fixture, newerFirst)).toMatchObject([{ type: 'welcome', role: 'active' }]);
      expect(fixture.listener.onTakeover).not.toHaveBeenCalled();
    }));
});

describe('a standby takes over', () => {
  it.each<[string, (fixture: LinkFixture, first: FakeSocket) => void]>([
    ['closes', (fixture, first) => fixture.disconnect(first)],
    ['says goodbye', (fixture, first) => fixture.receive(first, { type: 'goodbye' })],
    ['sends an invalid message', (fixture, first) => fixture.receive(first, { type: 'dance' })],
  ])('when the active one %s', (_, lose) =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      lose(fixture, first);
      expect(fixture.listener.onLinkDown).toHaveBeenCalledOnce();
      expect(fixture.listener.onTakeover).toHaveBeenCalledExactlyOnceWith('two', expect.any(Number));
      expect(fixture.listener.resync).toHaveBeenCalledOnce();
      expect(messagesTo(fixture, second)).toMatchObject([{ type: 'role', role: 'active' }, { ttl_ms: 0 }]);
      expect(fixture.link.applied).toEqual([{ stream: 'two', seq: 0 }]);
    }),
  );

  it('when the active one has not pinged for 25 s, which an alarm notices while commands run', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      expect(fixture.link.due(false, false)).toBe(Number.POSITIVE_INFINITY);
      expect(fixture.link.due(false, true)).toBe(PING_TIMEOUT_MS + 1);
      second.lastPingAt = new Date(PING_TIMEOUT_MS);
      fixture.link.checkLiveness(PING_TIMEOUT_MS);
      expect(fixture.link.socket).toBe(first);
      fixture.link.checkLiveness(PING_TIMEOUT_MS + 1);
      expect(fixture.link.socket).toBe(second);
      expect(first.closedWith).toMatchObject({ code: 1001 });
    }));

  it('unless it is silent itself', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      fixture.disconnect(first, PING_TIMEOUT_MS + 1);
      expect(second.closedWith).toMatchObject({ code: 1001 });
      expect(fixture.link.isConnected).toBe(false);
    }));

  it('if its OpenSIPS is reachable before one whose is not, and before one that has connected later', () =>
    withLink((fixture) => {
      const first = fixture.connect();
      fixture.connect({ adapter: 'a', stream: 'two', now: 1, reachable: false });
      const second = fixture.connect({ adapter: 'b', stream: 'three', now: 2 });
      fixture.connect({ adapter: 'c', stream: 'four', now: 3 });
      fixture.disconnect(first, 4);
      expect(fixture.link.socket).toBe(second);
    }));

  it('also if the active one was lost while the object hibernated', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      first.close();
      fixture.restore();
      expect(fixture.link.isLost).toBe(true);
      fixture.disconnect(first);
      expect(fixture.link.socket).toBe(second);
    }));

  it('and gets no message about its role if it is of 0.2.0', () =>
    withLink((fixture) => {
      const first = fixture.connect();
      const second = fixture.connect({ adapter: 'other', stream: 'two', features: [] });
      messagesTo(fixture, second);
      fixture.disconnect(first);
      expect(messagesTo(fixture, second)).toMatchObject([{ type: 'mi', ttl_ms: 0 }]);
    }));

  it('is closed and connects again if the takeover fails, and the next one takes over', () =>
    withLink((fixture) => {
      const silenced = vi.spyOn(console, 'error').mockImplementation(() => {});
      const { first, second } = connectTwo(fixture);
      const third = fixture.connect({ adapter: 'third', stream: 'three', now: 1 });
      fixture.listener.resync.mockImplementationOnce(() => {
        throw new Error('test');
      });
      fixture.disconnect(first, 1);
      expect(second.closedWith).toMatchObject({ code: 1011 });
      expect(fixture.link.socket).toBe(third);
      silenced.mockRestore();
    }));
});

describe('the events of an adapter that has taken over', () => {
  /** Has the standby take over. Returns the id of the request that separates what it has raised before. */
  function takeOver(fixture: LinkFixture) {
    const { first, second } = connectTwo(fixture);
    fixture.disconnect(first);
    const { id = '' } = messagesTo(fixture, second).find(({ type }) => type === 'mi') ?? {};
    return { second, id };
  }

  it('are applied after the reply to its first request: those before are older than what another one has reported', () =>
    withLink((fixture) => {
      const { second, id } = takeOver(fixture);
      const reply = { type: 'reply', seq: 3, id, outcome: 'expired' };
      fixture.receive(second, [event(1), { type: 'gap', seq: 2, reason: 'test' }, reply, event(4)]);
      expect(callids(fixture)).toEqual(['c4']);
      expect(fixture.listener.resync).toHaveBeenCalledOnce();
      expect(fixture.link.applied).toEqual([{ stream: 'two', seq: 4 }]);
    }));

  it('are separated by the same request after a hibernation, and after its connection was lost', () =>
    withLink((fixture) => {
      const { second, id } = takeOver(fixture);
      fixture.receive(second, event(1));
      messagesTo(fixture, second);
      fixture.restore();
      fixture.receive(second, event(2));
      fixture.disconnect(second);
      const again = fixture.connect({ adapter: 'other', stream: 'two' });
      expect(messagesTo(fixture, again)).toMatchObject([
        { type: 'welcome', applied: 2 },
        { id, ttl_ms: 0 },
      ]);
      fixture.receive(again, [event(3), { type: 'reply', seq: 4, id, outcome: 'expired' }, event(5)]);
      expect(callids(fixture)).toEqual(['c5']);
    }));

  it('are not separated again once that request is answered, also after a crash that has lost the position in the log', () =>
    withLink((fixture) => {
      const { second, id } = takeOver(fixture);
      fixture.receive(second, [event(1), { type: 'reply', seq: 2, id, outcome: 'expired' }, event(3)]);
      messagesTo(fixture, second);
      second.close();
      fixture.restore();
      expect(fixture.link.applied).toEqual([{ stream: 'two', seq: 2 }]);
      const again = fixture.connect({ adapter: 'other', stream: 'two' });
      expect(messagesTo(fixture, again)).toMatchObject([{ type: 'welcome', applied: 2 }]);
      fixture.receive(again, [event(1), event(2), event(3)]);
      expect(callids(fixture)).toEqual(['c3', 'c3']);
    }));

  it('are separated after a crash as well, if another adapter is the first to come back', () =>
    withLink((fixture) => {
      const { second } = takeOver(fixture);
      second.close();
      fixture.restore();
      const first = fixture.connect({ base: 7 });
      const messages = messagesTo(fixture, first);
      expect(messages).toMatchObject([{ type: 'welcome', role: 'active', applied: 6 }, { ttl_ms: 0 }]);
      const { id } = messages[1] ?? {};
      fixture.receive(first, [event(7), { type: 'reply', seq: 8, id, outcome: 'expired' }, event(9)]);
      expect(callids(fixture)).toEqual(['c9']);
    }));
});

describe('an adapter that is about to stop', () => {
  it('becomes a standby if another one can take over, and its last replies count', () =>
    withLink((fixture) => {
      const { first, second } = connectTwo(fixture);
      fixture.receive(first, { type: 'release' });
      expect(messagesTo(fixture, first)).toEqual([{ type: 'role', role: 'standby' }]);
      expect(messagesTo(fixture, second)).toMatchObject([{ type: 'role', role: 'active' }, { ttl_ms: 0 }]);
      fixture.receive(first, [event(1), { type: 'reply', seq: 2, id: 'r', result: 'OK' }]);
      expect(fixture.listener.onReply).toHaveBeenCalledWith(expect.objectContaining({ id: 'r' }), 0);
      fixture.receive(first, { type: 'goodbye' });
      expect(first.closedWith).toMatchObject({ code: 1000 });
      expect(fixture.listener.onTakeover).toHaveBeenCalledOnce();
      expect(callids(fixture)).toEqual([]);
    }));

  it('goes on serving the site if there is no other one', () =>
    withLink((fixture) => {
      const first = fixture.connect();
      messagesTo(fixture, first);
      fixture.receive(first, { type: 'release' });
      expect(messagesTo(fixture, first)).toEqual([{ type: 'role', role: 'active' }]);
      expect(fixture.listener.onLinkDown).not.toHaveBeenCalled();
    }));
});

it('health and notifications show each adapter with its role', () =>
  withLink((fixture) => {
    const { second } = connectTwo(fixture);
    fixture.receive(second, { type: 'status', opensips: { ...OPENSIPS, reachable: false } });
    expect(fixture.link.health(2_000)).toMatchObject({
      adapter: 'test',
      adapters: [
        { adapter: 'test', role: 'active', reachable: true, seconds: 2 },
        { adapter: 'other', role: 'standby', reachable: false, seconds: 2 },
      ],
    });
    fixture.link.takeStatusChange();
    fixture.receive(second, { type: 'goodbye' });
    expect(fixture.link.takeStatusChange()).toBe('Up');
    expect(fixture.link.roles).toEqual([{ adapter: 'test', role: 'active', reachable: true }]);
  }));
