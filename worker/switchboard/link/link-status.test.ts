/** Watchers receive each change of the link's status once, after a hibernation too. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PING_TIMEOUT_MS } from '../../../shared/protocol/link.ts';
import { TestSite } from '../../testing/site.ts';
import { FakeSocket } from './testing/fake-socket.ts';
import { LinkFixture } from './testing/link-fixture.ts';

afterEach(() => void vi.useRealTimers());

function withLink(test: (fixture: LinkFixture) => void): Promise<void> {
  return runInDurableObject(new TestSite().object, (_, { storage }) => test(new LinkFixture(storage)));
}

describe('the status change to report', () => {
  it('is Up once after the adapter connects, and Down once after it disconnects', () =>
    withLink((fixture) => {
      expect(fixture.link.takeStatusChange()).toBeUndefined();
      const socket = fixture.connect();
      expect(fixture.link.hasOutput).toBe(true);
      expect([fixture.link.takeStatusChange(), fixture.link.takeStatusChange()]).toEqual(['Up', undefined]);
      fixture.link.flush([], true);
      fixture.disconnect(socket);
      expect(fixture.link.hasOutput).toBe(true);
      expect([fixture.link.takeStatusChange(), fixture.link.takeStatusChange()]).toEqual(['Down', undefined]);
      expect(fixture.link.hasOutput).toBe(false);
    }));

  it('is none before `hello`', () =>
    withLink((fixture) => {
      fixture.link.accept(new FakeSocket() as unknown as WebSocket, 'key', 0);
      expect(fixture.link.takeStatusChange()).toBeUndefined();
    }));

  it('is none when a newer socket of the same adapter supersedes the older one', () =>
    withLink((fixture) => {
      const older = fixture.connect();
      fixture.link.takeStatusChange();
      fixture.connect();
      expect(fixture.link.takeStatusChange()).toBeUndefined();
      fixture.disconnect(older);
      expect(fixture.link.takeStatusChange()).toBeUndefined();
    }));

  it('is Down after `goodbye`', () =>
    withLink((fixture) => {
      const socket = fixture.connect();
      fixture.link.takeStatusChange();
      fixture.receive(socket, { type: 'goodbye' });
      expect(fixture.link.takeStatusChange()).toBe('Down');
    }));

  it('is, after a hibernation, only what has changed since the last report', () =>
    withLink((fixture) => {
      const socket = fixture.connect();
      fixture.link.takeStatusChange();
      expect(fixture.restore().takeStatusChange()).toBeUndefined();
      socket.close();
      expect(fixture.restore().takeStatusChange()).toBe('Down');
      expect(fixture.restore().takeStatusChange()).toBeUndefined();
    }));
});

describe('the liveness check', () => {
  it('is due 25 s after the last ping while calls are watched, and then disconnects the adapter', () =>
    withLink((fixture) => {
      const socket = fixture.connect({ now: 1_000 });
      fixture.link.takeStatusChange();
      expect(fixture.link.due(true)).toBe(1_000 + PING_TIMEOUT_MS + 1);
      socket.lastPingAt = new Date(11_000);
      expect(fixture.link.due(true)).toBe(11_000 + PING_TIMEOUT_MS + 1);
      fixture.link.checkLiveness(fixture.link.due(true) - 1);
      expect(fixture.link.takeStatusChange()).toBeUndefined();
      fixture.link.checkLiveness(fixture.link.due(true));
      expect(fixture.link.takeStatusChange()).toBe('Down');
    }));

  it('is never due without an adapter or while calls are not watched', () =>
    withLink((fixture) => {
      expect(fixture.link.due(true)).toBe(Number.POSITIVE_INFINITY);
      fixture.connect();
      expect(fixture.link.due(false)).toBe(Number.POSITIVE_INFINITY);
    }));
});

describe('a watcher', () => {
  interface LinkNotification {
    readonly method: string;
    readonly params: { readonly event: string; readonly seq: number };
  }

  it('receives Link Down and Up at once, and one that resumes later receives both', async () => {
    const site = new TestSite();
    const stream = crypto.randomUUID();
    const adapter = await site.adapter(() => ({ reply: { Dialogs: [] } }), { stream });
    const watcher = await site.client({ session: 'watcher' });
    const bystander = await site.client({ session: 'bystander' });
    const snapshot = (await watcher.request('CallWatch', {})) as unknown as { result: { seq: number } };
    adapter.close();
    const down = await watcher.socket.next<LinkNotification>();
    expect(down).toMatchObject({ method: 'Link', params: { event: 'Down' } });
    expect(down.params.seq).toBeGreaterThan(snapshot.result.seq);
    const reconnected = await site.adapter(() => ({ reply: { Dialogs: [] } }), { stream, base: 1_000 });
    const up = await watcher.socket.next<LinkNotification>();
    expect(up).toMatchObject({ method: 'Link', params: { event: 'Up' } });
    expect(up.params.seq).toBeGreaterThan(down.params.seq);

    const resuming = await site.client({ session: 'resuming' });
    await resuming.request('CallWatch', { since: snapshot.result.seq });
    const { socket } = resuming;
    expect([await socket.next(), await socket.next()]).toEqual([down, up]);

    await bystander.request('Echo', {});
    expect(await bystander.socket.next()).toMatchObject({ method: 'Echo' });
    for (const { socket } of [watcher, bystander, resuming]) socket.close();
    reconnected.close();
  });

  it('receives Link Down from an alarm when the adapter stops pinging without closing its socket', async () => {
    const site = new TestSite();
    const adapter = await site.adapter(() => ({ reply: { Dialogs: [] } }));
    const watcher = await site.client();
    await watcher.request('CallWatch', {});
    const start = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: start });
    for (let elapsed = 0; elapsed <= PING_TIMEOUT_MS + 10_000; elapsed += 5_000) {
      vi.setSystemTime(start + elapsed);
      await runDurableObjectAlarm(site.object);
    }
    expect(await watcher.socket.next()).toMatchObject({ method: 'Link', params: { event: 'Down' } });
    watcher.socket.close();
    adapter.close();
  });
});
