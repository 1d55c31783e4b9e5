/** A link over fake sockets, with the storage of an object. @module */
import { vi } from 'vitest';
import type { ActiveAdapters } from '../../../../shared/policy/adapters-setting.ts';
import { LINK_VERSIONS } from '../../../../shared/protocol/link-negotiation.ts';
import { attachmentOf } from '../../sockets/attachments.ts';
import { Link, type LinkListener } from '../link.ts';
import { FakeSocket } from './fake-socket.ts';

export class LinkFixture {
  link: Link;
  readonly listener = {
    onReply: vi.fn<LinkListener['onReply']>(),
    onEvent: vi.fn<LinkListener['onEvent']>(),
    resync: vi.fn<LinkListener['resync']>(),
    onLinkUp: vi.fn<LinkListener['onLinkUp']>(),
    onTakeover: vi.fn<LinkListener['onTakeover']>(),
    onLinkRestored: vi.fn<LinkListener['onLinkRestored']>(),
    onLinkDown: vi.fn<LinkListener['onLinkDown']>(),
    onAdapterGone: vi.fn<LinkListener['onAdapterGone']>(),
    onAllServing: vi.fn<LinkListener['onAllServing']>(),
  };
  /** The setting of a site whose adapters all serve it. */
  activeAdapters: ActiveAdapters | undefined;
  readonly #sockets: FakeSocket[] = [];
  readonly #ctx: DurableObjectState;

  constructor(storage: DurableObjectStorage, activeAdapters?: ActiveAdapters) {
    this.activeAdapters = activeAdapters;
    this.#ctx = {
      storage,
      getWebSockets: () => this.#sockets,
      acceptWebSocket: (socket: FakeSocket) => void this.#sockets.push(socket),
      getWebSocketAutoResponseTimestamp: ({ lastPingAt }: FakeSocket) => lastPingAt,
    } as unknown as DurableObjectState;
    this.link = this.restore();
  }

  /** Restores the link after a hibernation in which nothing was in the log. */
  restore(): Link {
    this.link = new Link(this.#ctx, this.listener, [], { activeAdapters: () => this.activeAdapters });
    return this.link;
  }

  /** Connects an adapter, which sends `hello`. */
  connect({
    now = 0,
    stream = 'one',
    adapter = 'test',
    base = 1,
    features = ['role'],
    reachable = true,
  } = {}): FakeSocket {
    const socket = new FakeSocket();
    this.link.accept(socket as unknown as WebSocket, 'key', now);
    const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1', reachable };
    const identity = { adapter, stream, base, features, opensips };
    this.receive(socket, { type: 'hello', version: LINK_VERSIONS.min, ...identity }, now);
    return socket;
  }

  /** Receives a frame of the adapter. */
  receive(fake: FakeSocket, frame: object, now = 0): void {
    const socket = fake as unknown as WebSocket;
    const attachment = attachmentOf(socket);
    if (attachment.kind === 'adapter') this.link.onMessage(socket, attachment, JSON.stringify(frame), now);
  }

  /** Breaks the connection of a socket. */
  disconnect(fake: FakeSocket, now = 0): void {
    fake.close();
    this.link.onClosed(fake as unknown as WebSocket, now);
  }

  /** Sends what is to be sent. Returns all messages that were sent, in order. */
  sent(): readonly object[] {
    this.link.flush([], true);
    const frames = this.#sockets.flatMap((socket) => socket.frames);
    return frames.flatMap((frame) => JSON.parse(frame) as object | object[]);
  }
}
