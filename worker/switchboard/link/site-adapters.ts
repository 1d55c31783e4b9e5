/** The adapters of a site as its setting has them: one serves the site and the others wait, or all serve it. @module */
import type { ActiveAdapters as ActiveSetting } from '../../../shared/policy/adapters-setting.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { ActiveAdapters } from './active-adapters.ts';
import type { AdapterConnection } from './adapter-connection.ts';
import type { AdapterSet, ServingListener } from './adapter-set.ts';
import { Adapters } from './adapters.ts';
import { chooseAdapter, type ServingAdapter } from './choose-adapter.ts';

/** RFC 6455 §7.4.1: the adapter connects again, and gets the role of the new setting. */
const GOING_AWAY = 1001;

/** Learns which adapters serve the site, and when that setting changes. */
export interface SiteListener extends ServingListener {
  /** All adapters serve the site from now on. What there is belongs to the one that has served it. */
  onAllServing(adapter: string, now: number): void;
}

export class SiteAdapters {
  readonly #ctx: DurableObjectState;
  readonly #listener: SiteListener;
  readonly #setting: () => ActiveSetting | undefined;
  #set: AdapterSet;

  /**
   * Restores the connections after a hibernation, if there are any.
   * @param sockets those of adapters
   * @param logged the positions in the log
   * @param setting returns the setting of a site whose adapters all serve it; undefined if one does
   */
  constructor(
    ctx: DurableObjectState,
    sockets: readonly WebSocket[],
    listener: SiteListener,
    logged: readonly AppliedPosition[],
    setting: () => ActiveSetting | undefined,
  ) {
    this.#ctx = ctx;
    this.#listener = listener;
    this.#setting = setting;
    this.#set = this.#createSet(sockets, logged, Date.now());
  }

  get set(): AdapterSet {
    return this.#set;
  }

  /** Whether all adapters serve the site. */
  get isShared(): boolean {
    return this.#set instanceof ActiveAdapters;
  }

  /** Whether any OpenSIPS can go on with the calls of another one. */
  get isReplicated(): boolean {
    return this.#setting()?.replicated_dialogs === true;
  }

  /** Returns whether an adapter serves the site. */
  isServing(adapter: string): boolean {
    return this.#set.serving.some(({ name }) => name === adapter);
  }

  /** Returns the name by which calls and commands know an adapter; undefined where one serves the whole site. */
  nameOf({ name }: AdapterConnection): string | undefined {
    return this.isShared ? name : undefined;
  }

  /** Returns the adapter that runs a new command: see {@link chooseAdapter}. */
  choose(
    owner: string | undefined,
    commands: { startsOf(adapter: string): number },
    now: number,
  ): ServingAdapter | undefined {
    this.#set.promote(now);
    const { serving } = this.#set;
    const [first] = serving;
    if (!this.isShared) return first && { opensips: first.opensips };
    const named = serving.map(({ name, opensips }) => ({ adapter: name, opensips }));
    const startsOf = (adapter: string) => commands.startsOf(adapter);
    return chooseAdapter(named, { owner, startsOf });
  }

  /** The setting may have changed. The adapters connect again, and get their new roles. */
  onPolicyChanged(now: number): void {
    const before = this.#set;
    if ((this.#setting() !== undefined) === this.isShared) return;
    const { all, last } = before;
    for (const { socket } of all) {
      before.drop(socket, now);
      socket.close(GOING_AWAY, 'The roles of the adapters have changed. Connect again.');
    }
    before.clear();
    const set = this.#createSet([], [], now);
    this.#set = set;
    if (!last || !(set instanceof ActiveAdapters)) return;
    set.inherit(last, now);
    this.#listener.onAllServing(last.adapter, now);
  }

  #createSet(sockets: readonly WebSocket[], logged: readonly AppliedPosition[], now: number): AdapterSet {
    return this.#setting() === undefined
      ? new Adapters(this.#ctx, sockets, this.#listener, logged)
      : new ActiveAdapters(this.#ctx, sockets, this.#listener, logged, now);
  }
}
