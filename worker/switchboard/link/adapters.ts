/**
 * The adapters of a site that are connected: one serves the site, the others wait to take over. What the one that serves it has reported
 * last is known across connections and crashes.
 * @module
 */
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import { attachmentOf, isLive } from '../sockets/attachments.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { AdapterConnection, type StreamPosition } from './adapter-connection.ts';
import type { AdapterSet, EventOrGap, LostAdapter, ServingListener } from './adapter-set.ts';
import { fenceRequest } from './fence.ts';
import { PingTimes } from './ping-times.ts';
import { ServingAdapterStore } from './serving-adapter.ts';
import { Standbys } from './standbys.ts';
import { replacementDue } from './unreachable-opensips.ts';

/** RFC 6455 §7.4.1: the adapter connects again. */
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;
const SILENT = 'No ping arrived in time.';

export class Adapters implements AdapterSet {
  readonly #listener: ServingListener;
  readonly #serving: ServingAdapterStore;
  readonly standbys = new Standbys();
  readonly pings: PingTimes;
  #active: AdapterConnection | undefined;
  #position: StreamPosition | undefined;

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
  ) {
    this.#listener = listener;
    this.pings = new PingTimes(ctx);
    this.#serving = new ServingAdapterStore(ctx.storage.sql, logged);
    const { position } = this.#serving;
    if (position) this.#position = { ...position, stored: position.seq };
    for (const socket of sockets) this.#restore(socket);
  }

  /** The adapter that serves the site. */
  get active(): AdapterConnection | undefined {
    return this.#active;
  }

  get serving(): readonly AdapterConnection[] {
    return this.#active ? [this.#active] : [];
  }

  readonly lost: readonly LostAdapter[] = [];
  readonly due = Number.POSITIVE_INFINITY;

  get applied(): readonly AppliedPosition[] {
    return this.#position ? [{ stream: this.#position.stream, seq: this.#position.seq }] : [];
  }

  get last(): (AppliedPosition & { readonly adapter: string }) | undefined {
    const { current } = this.#serving;
    return current && { ...current, ...this.#position };
  }

  /** All, the active one first. */
  get all(): readonly AdapterConnection[] {
    return this.#active ? [this.#active, ...this.standbys.all] : this.standbys.all;
  }

  /** The adapter that serves the site reports what the others do. What it raised before another one reported is older, and so discarded. */
  takesEvent(connection: AdapterConnection, _: EventOrGap): boolean {
    return connection === this.#active && this.#serving.current?.fence === undefined;
  }

  /** Whether {@link storeServing} has something to store. */
  get hasUnstored(): boolean {
    return !this.#serving.isStored;
  }

  /** Stores with the turn which adapter serves the site. */
  storeServing(): void {
    this.#serving.store();
  }

  /** Returns the connection of the adapter with this name. */
  named(name: string): AdapterConnection | undefined {
    return this.all.find((each) => each.name === name);
  }

  /** Returns the position of a stream whose adapter has served the site, and is not replaced. */
  positionOf(stream: string): StreamPosition | undefined {
    return this.#active === undefined && this.#position?.stream === stream ? this.#position : undefined;
  }

  /** Adds a connection: it serves the site if none does, and waits otherwise. */
  add(connection: AdapterConnection, now: number): void {
    if (this.#active) this.standbys.add(connection);
    else this.#serve(connection, now);
  }

  /** Forgets a connection, without a standby taking over. */
  drop(socket: WebSocket): void {
    this.standbys.delete(socket);
    if (this.#active?.socket !== socket) return;
    this.#active = undefined;
    if (this.#position) this.#serving.storePosition({ ...this.#position, seq: this.#position.stored });
    this.#listener.onLinkDown();
  }

  onStored(isLogged: boolean): void {
    if (!this.#position) return;
    if (!this.#active) this.#position.stored = this.#position.seq;
    if (isLogged) this.#serving.onLogged({ ...this.#position });
  }

  /**
   * If no adapter serves the site, or only one that is silent or has long had no OpenSIPS, the best standby takes over. Silent ones are
   * disconnected.
   */
  promote(now: number): void {
    if (this.#active && this.pings.isSilent(this.#active, now)) this.#dropSilent(this.#active);
    if (this.#active && this.#canReplace(this.#active, now)) this.#replace(this.#active, now);
    if (this.#active || this.standbys.size === 0) return;
    this.dropSilentStandbys(now);
    for (let { next } = this.standbys; next && !this.#active; { next } = this.standbys) {
      this.standbys.delete(next.socket);
      next.sendRole('active');
      try {
        this.#serve(next, now);
      } catch (error) {
        console.error(`The adapter ${next.name} could not take over. It is to connect again.`, error);
        this.drop(next.socket);
        next.socket.close(INTERNAL_ERROR, 'The edge could not have this adapter take over. Connect again.');
      }
    }
  }

  /** The adapter is about to stop. If another one can take over, this one becomes a standby, so that its last replies count. */
  onRelease(connection: AdapterConnection, now: number): void {
    this.dropSilentStandbys(now);
    if (this.#active === connection && this.standbys.size > 0) this.#replace(connection, now);
    else connection.sendRole(this.#active === connection ? 'active' : 'standby');
  }

  /** Whether its OpenSIPS has long been unreachable, while that of a standby that is alive is not. */
  #canReplace(active: AdapterConnection, now: number): boolean {
    if (now < replacementDue(active, this.standbys.all)) return false;
    this.dropSilentStandbys(now);
    return now >= replacementDue(active, this.standbys.all);
  }

  /** Has the best standby take over, and the adapter that serves the site wait. */
  #replace(active: AdapterConnection, now: number): void {
    this.drop(active.socket);
    this.promote(now);
    this.standbys.add(active);
    active.sendRole('standby');
  }

  /** The adapter that serves the site has answered: a {@link fenceRequest}, perhaps. */
  onReply(id: string, { position }: AdapterConnection): void {
    const { current } = this.#serving;
    if (current?.fence !== id) return;
    this.#serving.set({ adapter: current.adapter, stream: position.stream, seq: position.seq });
  }

  clear(): void {}

  dropSilentStandbys(now: number): void {
    for (const each of this.standbys.all) if (this.pings.isSilent(each, now)) this.#dropSilent(each);
  }

  #dropSilent({ socket }: AdapterConnection): void {
    this.drop(socket);
    socket.close(GOING_AWAY, closeReason(SILENT));
  }

  /** From now on this adapter serves the site. */
  #serve(connection: AdapterConnection, now: number): void {
    const { current } = this.#serving;
    const { position, name } = connection;
    const { stream, seq } = position;
    const isTakeover = current !== undefined && current.adapter !== name;
    const before = current?.stream === stream ? current.fence : undefined;
    const fence = isTakeover ? crypto.randomUUID() : before;
    this.#active = connection;
    if (isTakeover) this.#listener.onTakeover(stream, now);
    else this.#listener.onLinkUp(stream, now);
    // The events that OpenSIPS raised between two processes of the adapter, or between two adapters, are lost.
    if (current !== undefined && current.stream !== stream) this.#listener.resync(now);
    this.#position = position;
    this.#serving.set({ adapter: name, stream, seq, ...(fence === undefined ? {} : { fence }) });
    if (fence !== undefined) connection.enqueue(fenceRequest(fence));
  }

  #restore(socket: WebSocket): void {
    const attachment = attachmentOf(socket);
    if (attachment.kind !== 'adapter' || !attachment.hello || !isLive(socket)) return;
    const { hello, seq: carried = 0 } = attachment;
    const { stream } = hello;
    const isActive = !this.#active && (this.#position?.stream ?? stream) === stream;
    const seq = isActive ? Math.max(carried, this.#position?.seq ?? 0) : carried;
    const { list } = attachment;
    const position: StreamPosition = { stream, seq, stored: seq, ...(list ? { list } : {}) };
    const connection = new AdapterConnection(socket, attachment, hello, position);
    if (!isActive) {
      this.standbys.add(connection);
      return;
    }
    this.#active = connection;
    this.#position = position;
    this.#listener.onLinkRestored(stream);
  }
}
