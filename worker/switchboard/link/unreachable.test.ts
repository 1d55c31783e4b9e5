/** A standby replaces the adapter that serves the site when its OpenSIPS does not answer. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { TestSite } from '../../testing/site.ts';
import type { FakeSocket } from './testing/fake-socket.ts';
import { LinkFixture } from './testing/link-fixture.ts';
import { UNREACHABLE_AFTER_MS } from './unreachable-opensips.ts';

function withLink(test: (fixture: LinkFixture) => void): Promise<void> {
  return runInDurableObject(new TestSite().object, (_, { storage }) => test(new LinkFixture(storage)));
}

const status = (reachable: boolean) => ({
  type: 'status',
  opensips: { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1', reachable },
});

/** Commits, and returns the roles that a socket was told since the last time. */
function roleMessages({ link }: LinkFixture, { frames }: FakeSocket): unknown[] {
  link.takeStatusChange();
  link.flush([], false);
  const messages = frames
    .splice(0)
    .flatMap((frame) => JSON.parse(frame) as { type: string; role?: unknown }[]);
  return messages.flatMap(({ type, role }) => (type === 'role' ? [role] : []));
}

/** Connects `test`, which serves the site, and `other`, which waits. */
function connectTwo(fixture: LinkFixture, isOtherReachable = true) {
  const first = fixture.connect();
  const second = fixture.connect({ adapter: 'other', stream: 'two', reachable: isOtherReachable });
  roleMessages(fixture, first);
  roleMessages(fixture, second);
  return { first, second };
}

const activeName = ({ link }: LinkFixture) => link.roles.find(({ role }) => role === 'active')?.adapter;

it('after 5 s, which an alarm notices while commands run or somebody watches; the other one waits and keeps its link', () =>
  withLink((fixture) => {
    const { first, second } = connectTwo(fixture);
    fixture.receive(first, status(false), 1_000);
    // The end of this turn arms the alarm.
    expect(fixture.link.hasOutput).toBe(true);
    const due = 1_000 + UNREACHABLE_AFTER_MS;
    expect([fixture.link.due(false, true), fixture.link.due(true)]).toEqual([due, due]);
    expect(fixture.link.due(false, false)).toBe(Number.POSITIVE_INFINITY);
    fixture.link.checkLiveness(due - 1);
    expect(activeName(fixture)).toBe('test');
    fixture.link.checkLiveness(due);
    expect(fixture.link.health(due)).toMatchObject({
      connected: true,
      adapter: 'other',
      adapters: [
        { adapter: 'other', role: 'active', reachable: true },
        { adapter: 'test', role: 'standby', reachable: false },
      ],
    });
    expect(fixture.listener.onTakeover).toHaveBeenCalledExactlyOnceWith('two', due);
    expect(fixture.link.takeStatusChange()).toBe('Up');
    expect(roleMessages(fixture, second)).toEqual(['active']);
    expect(roleMessages(fixture, first)).toEqual(['standby']);
    expect(first.closedWith).toBeUndefined();
    // A request that it had is answered late, and that counts.
    fixture.receive(first, { type: 'reply', seq: 1, id: 'r', outcome: 'timeout' }, due);
    expect(fixture.listener.onReply).toHaveBeenCalledOnce();
  }));

it('with the next request where nothing has armed an alarm', () =>
  withLink((fixture) => {
    const { first } = connectTwo(fixture);
    fixture.receive(first, status(false), 1_000);
    expect(fixture.link.opensips(1_000 + UNREACHABLE_AFTER_MS)?.reachable).toBe(true);
    expect(activeName(fixture)).toBe('other');
  }));

it('not while no standby has a reachable OpenSIPS, nor before one has had it for 5 s', () =>
  withLink((fixture) => {
    const { first, second } = connectTwo(fixture, false);
    fixture.receive(first, status(false), 0);
    fixture.link.checkLiveness(20_000);
    expect(activeName(fixture)).toBe('test');
    fixture.receive(second, status(true), 20_000);
    fixture.link.checkLiveness(20_000 + UNREACHABLE_AFTER_MS - 1);
    expect(activeName(fixture)).toBe('test');
    fixture.link.checkLiveness(20_000 + UNREACHABLE_AFTER_MS);
    expect(activeName(fixture)).toBe('other');
  }));

it('not if its OpenSIPS is back in time, and the other one does not take over again when it is back later', () =>
  withLink((fixture) => {
    const { first } = connectTwo(fixture);
    fixture.receive(first, status(false), 1_000);
    fixture.receive(first, status(true), 4_000);
    fixture.link.checkLiveness(11_000);
    expect(activeName(fixture)).toBe('test');
    fixture.receive(first, status(false), 12_000);
    fixture.link.checkLiveness(17_000);
    fixture.receive(first, status(true), 18_000);
    fixture.link.checkLiveness(24_000);
    expect(activeName(fixture)).toBe('other');
  }));

it('however often two come and go, not sooner than 5 s after the last time', () =>
  withLink((fixture) => {
    const { first, second } = connectTwo(fixture);
    let changes = 0;
    let active = activeName(fixture);
    // Each is away for three seconds of six, by turns.
    for (let now = 1_000; now < 25_000; now += 1_000) {
      const isFirstAway = now % 6_000 < 3_000;
      if (now % 3_000 === 0) {
        fixture.receive(first, status(!isFirstAway), now);
        fixture.receive(second, status(isFirstAway), now);
      }
      fixture.link.checkLiveness(now);
      if (activeName(fixture) !== active) changes++;
      active = activeName(fixture);
    }
    expect(changes).toBe(0);
  }));

it('as long after it has begun when the object hibernates meanwhile', () =>
  withLink((fixture) => {
    const { first } = connectTwo(fixture);
    fixture.receive(first, status(false), 1_000);
    fixture.link.takeStatusChange();
    fixture.link.flush([], false);
    fixture.restore();
    expect(fixture.link.due(true)).toBe(1_000 + UNREACHABLE_AFTER_MS);
  }));

it('not by a standby that is silent, which is disconnected then', () =>
  withLink((fixture) => {
    const { first, second } = connectTwo(fixture);
    fixture.receive(first, status(false), 25_000);
    first.lastPingAt = new Date(25_000);
    fixture.link.checkLiveness(30_001);
    expect(activeName(fixture)).toBe('test');
    expect(second.closedWith).toMatchObject({ code: 1001 });
  }));
