/** What watchers are told of the adapter: each change once, whether or not anyone was awake when it came about. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEAD_AFTER_MS } from '../shared/link.ts';
import { attachmentOf } from './attachments.ts';
import { Link, type Listener } from './link.ts';
import { Site } from './testing/site.ts';

afterEach(() => void vi.useRealTimers());

const deaf: Listener = {
  reply: () => {},
  event: () => {},
  settle: () => {},
  linkUp: () => {},
  linkStands: () => {},
  linkDown: () => {},
};

/** A socket that the platform would hold. */
class HeldSocket {
  readyState: number = WebSocket.OPEN;
  #attachment: unknown;
  /** When the platform answered its last ping. */
  pinged: Date | null = null;
  serializeAttachment(attachment: unknown): void {
    this.#attachment = attachment;
  }
  deserializeAttachment(): unknown {
    return this.#attachment;
  }
  send(): void {}
  close(): void {
    this.readyState = WebSocket.CLOSED;
  }
}

/** A stage whose sockets and clock are the test's; its storage is an object's own. */
function onStage(play: (stage: Stage) => void): Promise<void> {
  return runInDurableObject(new Site().object, (_, { storage }) => play(new Stage(storage)));
}

class Stage {
  link: Link;
  readonly #held: HeldSocket[] = [];
  readonly #ctx: DurableObjectState;

  constructor(storage: DurableObjectStorage) {
    this.#ctx = {
      storage,
      getWebSockets: () => this.#held,
      acceptWebSocket: (socket: HeldSocket) => void this.#held.push(socket),
      getWebSocketAutoResponseTimestamp: ({ pinged }: HeldSocket) => pinged,
    } as unknown as DurableObjectState;
    this.link = this.wakeUp();
  }

  /** The object comes back from a sleep. */
  wakeUp(): Link {
    this.link = new Link(this.#ctx, deaf, null);
    return this.link;
  }

  /** An adapter connects and says hello. */
  connect(now = 0, stream = 'one', adapter = 'test'): HeldSocket {
    const socket = new HeldSocket();
    this.link.accept(socket as unknown as WebSocket, 'key', now);
    const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1', reachable: true };
    this.say(socket, { type: 'hello', version: 1, adapter, stream, base: 1, opensips }, now);
    return socket;
  }

  say(held: HeldSocket, message: object, now = 0): void {
    const socket = held as unknown as WebSocket;
    const attachment = attachmentOf(socket);
    if (attachment.kind === 'adapter') this.link.receive(socket, attachment, JSON.stringify(message), now);
  }

  /** Its socket breaks. */
  lose(held: HeldSocket): void {
    held.close();
    this.link.closed(held as unknown as WebSocket);
  }
}

describe('watchers are told', () => {
  it('that the adapter has come, and that it has gone: once each', () =>
    onStage((stage) => {
      expect(stage.link.takeNews()).toBeUndefined();
      const socket = stage.connect();
      expect(stage.link.speaks).toBe(true);
      expect([stage.link.takeNews(), stage.link.takeNews()]).toEqual(['Up', undefined]);
      stage.link.flush([], true);
      stage.lose(socket);
      expect(stage.link.speaks).toBe(true);
      expect([stage.link.takeNews(), stage.link.takeNews()]).toEqual(['Down', undefined]);
      expect(stage.link.speaks).toBe(false);
    }));

  it('nothing before hello: a socket alone is no adapter', () =>
    onStage((stage) => {
      stage.link.accept(new HeldSocket() as unknown as WebSocket, 'key', 0);
      expect(stage.link.takeNews()).toBeUndefined();
    }));

  it('nothing of a socket that another one of the same adapter supersedes', () =>
    onStage((stage) => {
      const old = stage.connect();
      stage.link.takeNews();
      stage.connect();
      expect(stage.link.takeNews()).toBeUndefined();
      stage.lose(old);
      expect(stage.link.takeNews()).toBeUndefined();
    }));

  it('that it said goodbye', () =>
    onStage((stage) => {
      const socket = stage.connect();
      stage.link.takeNews();
      stage.say(socket, { type: 'goodbye' });
      expect(stage.link.takeNews()).toBe('Down');
    }));

  it('after a sleep nothing that they know, and all that came about meanwhile', () =>
    onStage((stage) => {
      const socket = stage.connect();
      stage.link.takeNews();
      expect(stage.wakeUp().takeNews()).toBeUndefined();
      socket.close();
      expect(stage.wakeUp().takeNews()).toBe('Down');
      expect(stage.wakeUp().takeNews()).toBeUndefined();
    }));
});

describe('an adapter that falls silent', () => {
  it('has gone 25 s after its last ping, and watchers need not wait for anyone to ask', () =>
    onStage((stage) => {
      const socket = stage.connect(1_000);
      stage.link.takeNews();
      expect(stage.link.due(true)).toBe(1_000 + DEAD_AFTER_MS + 1);
      socket.pinged = new Date(11_000);
      expect(stage.link.due(true)).toBe(11_000 + DEAD_AFTER_MS + 1);
      stage.link.look(stage.link.due(true) - 1);
      expect(stage.link.takeNews()).toBeUndefined();
      stage.link.look(stage.link.due(true));
      expect(stage.link.takeNews()).toBe('Down');
    }));

  it('wakes nobody where nobody watches, and there is nothing to wait for where it has gone', () =>
    onStage((stage) => {
      expect(stage.link.due(true)).toBe(Number.POSITIVE_INFINITY);
      stage.connect();
      expect(stage.link.due(false)).toBe(Number.POSITIVE_INFINITY);
    }));
});

describe('who watches the site', () => {
  interface Link {
    readonly method: string;
    readonly params: { readonly event: string; readonly seq: number };
  }

  it('hears at once that the adapter has gone, and that it is back; who came back later hears it too', async () => {
    const site = new Site();
    const stream = crypto.randomUUID();
    const adapter = await site.adapter(() => ({ reply: { Dialogs: [] } }), { stream });
    const watcher = await site.client({ session: 'watcher' });
    const bystander = await site.client({ session: 'bystander' });
    const snapshot = (await watcher.ask('CallWatch', {})) as unknown as { result: { seq: number } };
    adapter.close();
    const down = await watcher.socket.next<Link>();
    expect(down).toMatchObject({ method: 'Link', params: { event: 'Down' } });
    expect(down.params.seq).toBeGreaterThan(snapshot.result.seq);
    const back = await site.adapter(() => ({ reply: { Dialogs: [] } }), { stream, base: 1_000 });
    const up = await watcher.socket.next<Link>();
    expect(up).toMatchObject({ method: 'Link', params: { event: 'Up' } });
    expect(up.params.seq).toBeGreaterThan(down.params.seq);

    const late = await site.client({ session: 'late' });
    await late.ask('CallWatch', { since: snapshot.result.seq });
    expect([await late.socket.next(), await late.socket.next()]).toEqual([down, up]);

    await bystander.ask('Echo', {});
    expect(await bystander.socket.next()).toMatchObject({ method: 'Echo' });
    for (const { socket } of [watcher, bystander, late]) socket.close();
    back.close();
  });

  it('hears of an adapter that falls silent without closing, by an alarm of its own', async () => {
    const site = new Site();
    const adapter = await site.adapter(() => ({ reply: { Dialogs: [] } }));
    const watcher = await site.client();
    await watcher.ask('CallWatch', {});
    const start = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: start });
    for (let at = 0; at <= DEAD_AFTER_MS + 10_000; at += 5_000) {
      vi.setSystemTime(start + at);
      await runDurableObjectAlarm(site.object);
    }
    expect(await watcher.socket.next()).toMatchObject({ method: 'Link', params: { event: 'Down' } });
    watcher.socket.close();
    adapter.close();
  });
});
