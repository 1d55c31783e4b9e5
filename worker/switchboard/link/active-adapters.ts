/** The adapters of a site that all serve it at the same time, each beside an OpenSIPS of its own. @module */
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import { attachmentOf, isLive } from '../sockets/attachments.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { ActiveAdapterStore } from './active-adapter-store.ts';
import { AdapterConnection, type StreamPosition } from './adapter-connection.ts';
import type { AdapterSet, EventOrGap, LostAdapter, ServingListener } from './adapter-set.ts';
import { PingTimes } from './ping-times.ts';
import { SeenEvents } from './seen-events.ts';
import { Standbys } from './standbys.ts';

/**
 * How long an adapter that was lost may come back, in milliseconds: then its calls end. A host restarts within this time, and no command
 * runs longer than that without its adapter: what takes longest is to end the legs of a call, for 200 s.
 */
export const LOST_ADAPTER_MS = 300_000;

/** Adapters that are lost at the same time. If more are, the first ones are given up: their names change with each start. */
const MAX_LOST = 12;

/** RFC 6455 §7.4.1: the adapter connects again. */
const GOING_AWAY = 1001;

export class ActiveAdapters implements AdapterSet {
  readonly #listener: ServingListener;
  readonly #store: ActiveAdapterStore;
  readonly #seen = new SeenEvents();
  readonly #byName = new Map<string, AdapterConnection>();
  readonly pings: PingTimes;
  /** Those that are about to stop: they get no requests, and still report. */
  readonly standbys = new Standbys();

  /**
   * Restores the connections after a hibernation, if there are any.
   * @param sockets those of adapters
   * @param logged the positions in the log
   */
  constructor(
    ctx: DurableObjectState,
    sockets: readonly WebSocket[],
    listener: ServingListener,
    logged: readonly AppliedPosition[],
    now: number,
  ) {
    this.#listener = listener;
    this.pings = new PingTimes(ctx);
    this.#store = new ActiveAdapterStore(ctx.storage.sql, logged);
    for (const socket of sockets) this.#restore(socket, logged);
    // A crash loses all sockets, and the end of one may have been missed.
    for (const stored of this.#store.all)
      if (stored.lostAt === undefined && !stored.isReleased && !this.#byName.has(stored.adapter))
        this.#store.set({ ...stored, lostAt: now });
  }

  readonly last = undefined;

  get serving(): readonly AdapterConnection[] {
    return [...this.#byName.values()].sort((one, other) => one.connectedAt - other.connectedAt);
  }

  get all(): readonly AdapterConnection[] {
    return [...this.serving, ...this.standbys.all];
  }

  get lost(): readonly LostAdapter[] {
    return this.#store.lost.filter(({ adapter }) => this.named(adapter) === undefined);
  }

  get applied(): readonly AppliedPosition[] {
    return this.all.map(({ position: { stream, seq } }) => ({ stream, seq }));
  }

  get due(): number {
    const [first] = this.#store.lost;
    return first ? first.lostAt + LOST_ADAPTER_MS : Number.POSITIVE_INFINITY;
  }

  get hasUnstored(): boolean {
    return this.#store.hasUnstored;
  }

  storeServing(): void {
    this.#store.store();
  }

  named(name: string): AdapterConnection | undefined {
    return this.all.find((each) => each.name === name);
  }

  positionOf(stream: string): StreamPosition | undefined {
    if (this.all.some(({ position }) => position.stream === stream)) return undefined;
    const stored = this.#store.all.find((each) => each.stream === stream);
    return stored && { stream, seq: stored.seq, stored: stored.seq };
  }

  add(connection: AdapterConnection, now: number): void {
    const { name, position } = connection;
    const before = this.#store.get(name);
    const { stream, seq } = position;
    this.#byName.set(name, connection);
    this.#store.set({ adapter: name, stream, seq });
    // The site is used again, and the others are awaited with this one.
    for (const { isReleased, ...stored } of this.#store.all)
      if (isReleased) this.#store.set({ ...stored, lostAt: now });
    this.#listener.onLinkUp(stream, now, name);
    // The events that OpenSIPS raised between two processes of the adapter are lost.
    if (before !== undefined && before.stream !== stream) this.#listener.resync(now, name);
  }

  /** An adapter that takes over from one before is known as lost: its calls are awaited. */
  inherit(last: AppliedPosition & { readonly adapter: string }, now: number): void {
    const { adapter, stream, seq } = last;
    this.#store.set({ adapter, stream, seq, lostAt: now });
  }

  drop(socket: WebSocket, now: number, isReleased = false): void {
    const connection = this.all.find((each) => each.socket === socket);
    if (!connection) return;
    const { name: adapter, position } = connection;
    const { stream, seq } = position;
    const isServing = this.#byName.get(adapter) === connection;
    this.standbys.delete(socket);
    if (isServing) this.#byName.delete(adapter);
    const lostAt = isServing ? now : (this.#store.get(adapter)?.lostAt ?? now);
    this.#store.delete(adapter);
    this.#store.set({ adapter, stream, seq, ...(isReleased ? { isReleased } : { lostAt }) });
    this.#seen.forget(stream);
    if (isServing) this.#listener.onLinkDown(adapter);
  }

  onStored(): void {}

  promote(now: number): void {
    for (const each of this.all) if (this.pings.isSilent(each, now)) this.#dropSilent(each, now);
    const { lost } = this;
    const excess = Math.max(0, lost.length - MAX_LOST);
    for (const [index, { adapter, lostAt }] of lost.entries()) {
      if (index >= excess && now < lostAt + LOST_ADAPTER_MS) continue;
      this.#store.delete(adapter);
      this.#listener.onAdapterGone(adapter, now);
    }
  }

  /** If another one serves the site, this one gets no requests any more, so that the replies that are under way are its last ones. */
  onRelease(connection: AdapterConnection, now: number): void {
    const isServing = this.#byName.get(connection.name) === connection;
    if (isServing && this.#byName.size > 1) {
      this.drop(connection.socket, now);
      this.standbys.add(connection);
    }
    connection.sendRole(this.#byName.get(connection.name) === connection ? 'active' : 'standby');
  }

  onReply(): void {}

  takesEvent({ position: { stream } }: AdapterConnection, message: EventOrGap): boolean {
    return message.type === 'gap' || !this.#seen.isRepeated(message, stream);
  }

  dropSilentStandbys(now: number): void {
    for (const each of this.all) if (this.pings.isSilent(each, now)) this.#dropSilent(each, now);
  }

  clear(): void {
    this.#store.clear();
  }

  #dropSilent({ socket }: AdapterConnection, now: number): void {
    this.drop(socket, now);
    socket.close(GOING_AWAY, closeReason('No ping arrived in time.'));
  }

  #restore(socket: WebSocket, logged: readonly AppliedPosition[]): void {
    const attachment = attachmentOf(socket);
    if (attachment.kind !== 'adapter' || !attachment.hello || !isLive(socket)) return;
    const { hello, seq: carried = 0 } = attachment;
    const { stream, adapter } = hello;
    const stored = this.#store.get(adapter);
    const inLog = logged.find((each) => each.stream === stream)?.seq ?? 0;
    const seq = Math.max(carried, inLog, stored?.stream === stream ? stored.seq : 0);
    const connection = new AdapterConnection(socket, attachment, hello, { stream, seq, stored: seq });
    if (stored?.lostAt !== undefined) this.standbys.add(connection);
    else {
      this.#byName.set(adapter, connection);
      this.#listener.onLinkRestored(stream, adapter);
    }
  }
}
