/** Which adapters of a site serve it, and how far their messages are applied. @module */
import type { AdapterMessage } from '../../../shared/protocol/link.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import type { AdapterConnection, StreamPosition } from './adapter-connection.ts';
import type { PingTimes } from './ping-times.ts';
import type { Standbys } from './standbys.ts';

/** Learns which adapters serve the site. */
export interface ServingListener
  extends Pick<Runner, 'onLinkUp' | 'onTakeover' | 'onLinkRestored' | 'onLinkDown' | 'resync'> {
  /** An adapter was lost, and has not come back in time: its calls end. */
  onAdapterGone(adapter: string, now: number): void;
}

/** A message that is about what OpenSIPS has done. */
export type EventOrGap = Extract<AdapterMessage, { type: 'event' | 'gap' }>;

/** An adapter that has served the site, and is not connected. */
export interface LostAdapter {
  readonly adapter: string;
  /** Unix milliseconds. */
  readonly lostAt: number;
}

/** The adapters of a site: {@link Adapters} if one serves it and the others wait, {@link ActiveAdapters} if all serve it. */
export interface AdapterSet {
  readonly pings: PingTimes;
  /** Those that serve the site, the oldest connection first. */
  readonly serving: readonly AdapterConnection[];
  /** Those that wait to take over, or are about to stop. */
  readonly standbys: Pick<Standbys, 'all' | 'size'>;
  /** All that are connected. */
  readonly all: readonly AdapterConnection[];
  readonly lost: readonly LostAdapter[];
  /** How far the messages of those that serve the site are applied, or of the one that was the last to do so. */
  readonly applied: readonly AppliedPosition[];
  /** The adapter that serves the whole site, or was the last to do so; undefined where all serve it. */
  readonly last: (AppliedPosition & { readonly adapter: string }) | undefined;
  /** When {@link promote} has something to do about lost adapters, in Unix milliseconds; infinity for never. */
  readonly due: number;
  /** Whether {@link storeServing} has something to store. */
  readonly hasUnstored: boolean;
  /** Stores with the turn which adapters serve the site. */
  storeServing(): void;
  /** Returns the connection of the adapter with this name. */
  named(name: string): AdapterConnection | undefined;
  /** Returns the position of a stream whose adapter has served the site, and is not replaced. */
  positionOf(stream: string): StreamPosition | undefined;
  /** Adds a connection, which serves the site or waits. */
  add(connection: AdapterConnection, now: number): void;
  /**
   * Forgets a connection, without a standby taking over.
   * @param isReleased nobody needs it: its adapter is not lost
   */
  drop(socket: WebSocket, now: number, isReleased?: boolean): void;
  /** A turn is stored. @param isLogged whether the log has {@link applied} now */
  onStored(isLogged: boolean): void;
  /** Disconnects adapters that are silent, and has others do what is to be done without them. */
  promote(now: number): void;
  /** The adapter is about to stop. */
  onRelease(connection: AdapterConnection, now: number): void;
  /** An adapter that serves the site has answered. */
  onReply(id: string, connection: AdapterConnection): void;
  /** Returns whether an event or a gap of an adapter concerns the site, and is news. */
  takesEvent(connection: AdapterConnection, message: EventOrGap): boolean;
  /** Disconnects silent adapters that wait. */
  dropSilentStandbys(now: number): void;
  /** All serve the site from now on, or one does: forgets what is stored. */
  clear(): void;
}
