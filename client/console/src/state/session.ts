/** The state of the page as signals: connects to the edge, watches calls and runs commands. @module */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Call } from '../../../connection/call.ts';
import { Connection, type ConnectionState } from '../../../connection/connection.ts';
import { type CommandUpdate, isJsonObject, isRpcError } from '../../../connection/messages.ts';
import type { TimelineEntry } from '../format/labels.ts';
import { describeAdapter } from './adapter.ts';
import { browserPlatform } from './browser-platform.ts';
import { callFromCommands } from './call-from-commands.ts';
import { CallList } from './call-list.ts';
import {
  type CommandName,
  type CommandRun,
  reasonText,
  resultCallid,
  stepsOf,
  withUpdate,
} from './command-progress.ts';
import { fetchMe, type Me } from './me.ts';
import { oncePerFrame } from './once-per-frame.ts';

/** The call that is shown: a command of this page and the call that it makes, or any call of the list. */
export interface Selection {
  readonly cmdId?: string;
  readonly callid?: string;
}

/** How up to date the call list is. */
export type Freshness = 'loading' | 'live' | 'resumed' | 'reloaded' | 'stale' | 'forbidden' | 'failed';

/** The error code for a missing scope: see docs/protocol.md. */
const NOT_ALLOWED = -32002;

const MAX_COMMANDS = 100;

/** Time to notice and read a line. */
const RECONNECT_NOTICE_MS = 8_000;

export class Session {
  readonly me: Me;
  readonly connectionState: Signal<ConnectionState> = signal({ status: 'connecting', attempt: 0 });
  /** Whether the adapter of the site is connected. Undefined while that is not known. */
  readonly isLinkUp: Signal<boolean | undefined> = signal(undefined);
  readonly freshness: Signal<Freshness> = signal('loading');
  /** Why the calls could not be loaded. Valid while the call list is `failed`. */
  readonly loadFailure: Signal<string> = signal('');
  /** When the call list was last up to date, in Unix milliseconds. */
  readonly lastLiveAt: Signal<number> = signal(Date.now());
  /** The active calls of the last frame. */
  readonly activeCalls: Signal<readonly Call[]> = signal([]);
  readonly endedCalls: Signal<readonly Call[]> = signal([]);
  readonly commands: Signal<readonly CommandRun[]> = signal([]);
  readonly selection: Signal<Selection> = signal({});
  readonly timeline: Signal<readonly TimelineEntry[]> = signal([]);
  /** The selected call. */
  readonly call: ReadonlySignal<Call | undefined>;
  /** The commands of this page that make or change the selected call, oldest first. */
  readonly relatedCommands: ReadonlySignal<readonly CommandRun[]>;
  /** The last change, for screen readers. */
  readonly announcement: Signal<string> = signal('');

  readonly #token: string | undefined;
  readonly #onUnauthorized: (reason: string) => void;
  readonly #callList = new CallList();
  readonly #connection: Connection;
  readonly #scheduleRefresh: () => void;
  readonly #onNetworkChange = () => this.#connection.retryNow();
  #unwatch = () => {};
  #cancelNotice = () => {};
  /** The call whose timeline has been requested. */
  #timelineCallid: string | undefined;
  #isTimelineStale = false;

  /** @param onUnauthorized called when the edge rejects the token */
  constructor(token: string | undefined, me: Me, onUnauthorized: (reason: string) => void) {
    this.me = me;
    this.#token = token;
    this.#onUnauthorized = onUnauthorized;
    this.#scheduleRefresh = oncePerFrame(() => this.#refreshCalls());
    this.call = computed(() => {
      // Subscribes to the signal, which changes whenever the call list does.
      void this.activeCalls.value;
      const { callid } = this.selection.value;
      if (callid === undefined) return undefined;
      return this.canRead ? this.#callList.get(callid) : callFromCommands(callid, this.commands.value);
    });
    this.relatedCommands = computed(() => {
      const { cmdId, callid } = this.selection.value;
      return this.commands.value.filter((run) => run.cmdId === cmdId || isRelatedTo(run, callid));
    });
    const onState = (state: ConnectionState) => this.#onConnectionState(state);
    const url = new URL('/call-api', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#connection = new Connection(
      { url: url.href, onState, ...(token === undefined ? {} : { token }) },
      browserPlatform,
    );
  }

  /** Connects and watches the calls, until {@link end} is called. */
  start(): void {
    this.watch();
    this.#connection.connect();
    addEventListener('online', this.#onNetworkChange);
    addEventListener('offline', this.#onNetworkChange);
  }

  /** Ends the session for good. */
  end(): void {
    removeEventListener('online', this.#onNetworkChange);
    removeEventListener('offline', this.#onNetworkChange);
    this.#cancelNotice();
    this.#connection.close();
  }

  /** Reconnects at once. Has no effect once the connection is closed for good. */
  retryNow(): void {
    this.#connection.retryNow();
  }

  /** Returns the connected adapter and its versions. */
  describeAdapter(): Promise<string> {
    return describeAdapter(this.#token);
  }

  /** False on an edge that requires no token. */
  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  /** Whether the token allows the page to view calls. */
  get canRead(): boolean {
    return this.me.scopes.includes('read');
  }

  /** Whether the token has the scope of this command. */
  isAllowed(method: CommandName): boolean {
    return this.me.scopes.includes(method);
  }

  /** Runs a command. Selects it if it starts a call. */
  run(method: CommandName, params: Readonly<Record<string, unknown>>): void {
    const cmdId = this.#connection.randomId();
    const run: CommandRun = { cmdId, method, params, updates: [] };
    this.commands.value = [...this.commands.value, run].slice(-MAX_COMMANDS);
    if (method === 'CallStart') this.selection.value = { cmdId };
    const onUpdate = (update: CommandUpdate) =>
      this.#updateCommand(cmdId, (current) => withUpdate(current, update, Date.now()));
    // Last, because a connection that is closed for good answers at once.
    this.#connection.run(method, params, onUpdate, cmdId);
  }

  /** Selects a call. */
  select(callid: string): void {
    if (this.selection.value.callid === callid) return;
    const start = this.commands.value.find(
      (run) => run.method === 'CallStart' && resultCallid(run) === callid,
    );
    batch(() => {
      this.selection.value = { callid, ...(start ? { cmdId: start.cmdId } : {}) };
      this.timeline.value = [];
    });
    this.#fetchTimeline();
  }

  deselect(): void {
    this.selection.value = {};
  }

  /** Watches the calls: at the start, and again if they could not be loaded. */
  watch(): void {
    this.#unwatch();
    if (!this.canRead) {
      this.freshness.value = 'forbidden';
      return;
    }
    let isFirst = true;
    let isComplete = false;
    /** A part is not shown as the whole: the list is live when its last page has arrived. */
    const onPart = (fetchNextPage: (() => void) | undefined) => {
      isComplete = fetchNextPage === undefined;
      if (fetchNextPage) fetchNextPage();
      else {
        this.#setFreshness(isFirst ? 'live' : 'reloaded');
        isFirst = false;
      }
      this.#scheduleRefresh();
    };
    this.freshness.value = 'loading';
    this.#unwatch = this.#connection.watch({
      onSnapshot: (calls, fetchNextPage) => {
        this.#callList.replace(calls);
        onPart(fetchNextPage);
        this.#fetchTimeline();
      },
      onSnapshotPage: (calls, fetchNextPage) => {
        for (const call of calls) this.#callList.update(call);
        onPart(fetchNextPage);
      },
      onResumed: () => {
        if (isComplete) this.#setFreshness('resumed');
        this.#fetchTimeline();
      },
      onCall: (call) => {
        this.#callList.update(call);
        this.#scheduleRefresh();
        this.#followSelection(call);
      },
      onLink: (isUp) => {
        const wasUp = this.isLinkUp.value;
        this.isLinkUp.value = isUp;
        if (wasUp !== undefined && wasUp !== isUp)
          this.announcement.value = isUp ? 'OpenSIPS is reachable again.' : 'OpenSIPS is unreachable.';
      },
      onRefused: (error) => {
        this.loadFailure.value = reasonText(error);
        this.#setFreshness(error.code === NOT_ALLOWED ? 'forbidden' : 'failed');
      },
    });
  }

  /** Shows that the connection is back for a while, and then that the list is live. */
  #setFreshness(freshness: Freshness): void {
    this.#cancelNotice();
    this.freshness.value = freshness;
    if (freshness === 'resumed' || freshness === 'reloaded')
      this.#cancelNotice = browserPlatform.setTimer(RECONNECT_NOTICE_MS, () => {
        if (this.freshness.value === freshness) this.freshness.value = 'live';
      });
  }

  /** Selects the call that the selected one was transferred to; otherwise updates its timeline. */
  #followSelection({ callid, became, state }: Call): void {
    if (callid !== this.selection.value.callid) return;
    if (state === 'ended' && became !== undefined) this.select(became);
    else this.#fetchTimeline();
  }

  #onConnectionState(state: ConnectionState): void {
    const previous = this.connectionState.value.status;
    batch(() => {
      this.connectionState.value = state;
      if (previous === 'open' && state.status !== 'open') {
        this.lastLiveAt.value = Date.now();
        if (this.freshness.value !== 'forbidden') this.freshness.value = 'stale';
        this.announcement.value = 'Connection lost.';
      }
    });
    // A browser does not tell a page why an upgrade was refused, so the page asks over HTTP.
    if (state.status === 'waiting') void this.#checkToken();
    if (state.status === 'closed' && state.reason === 'unauthorized')
      this.#onUnauthorized('Your token is no longer valid. Sign in with a new one.');
  }

  async #checkToken(): Promise<void> {
    const meOrReason = await fetchMe(this.#token).catch(() => this.me);
    if (typeof meOrReason === 'string') this.#connection.close('unauthorized');
  }

  #refreshCalls(): void {
    batch(() => {
      this.activeCalls.value = this.#callList.activeCalls();
      this.endedCalls.value = this.#callList.endedCalls();
    });
  }

  #updateCommand(cmdId: string, update: (run: CommandRun) => CommandRun): void {
    const commands = this.commands.value.map((run) => (run.cmdId === cmdId ? update(run) : run));
    batch(() => {
      this.commands.value = commands;
      const { selection } = this;
      const updated = commands.find((run) => run.cmdId === cmdId);
      if (!updated) return;
      const lastDone = stepsOf(updated).findLast(({ status }) => status === 'done');
      if (lastDone) this.announcement.value = lastDone.text;
      const callid = resultCallid(updated);
      // The command is selected: once it has made a call, that call is selected as well.
      if (callid !== undefined && selection.value.cmdId === cmdId && selection.value.callid === undefined) {
        selection.value = { cmdId, callid };
        this.#fetchTimeline();
      }
    });
  }

  /** Requests the timeline of the selected call, and again if it has changed in the meantime. */
  #fetchTimeline(): void {
    const { callid } = this.selection.value;
    if (callid === undefined || !this.canRead) return;
    if (this.#timelineCallid === callid) {
      this.#isTimelineStale = true;
      return;
    }
    this.#timelineCallid = callid;
    this.#isTimelineStale = false;
    this.#connection
      .request('CallGet', { callid })
      .then(
        (result) => this.#onTimeline(callid, result),
        (error: unknown) => {
          if (!isRpcError(error)) throw error;
        },
      )
      .finally(() => {
        const isStale = this.#isTimelineStale || this.selection.value.callid !== callid;
        this.#timelineCallid = undefined;
        if (isStale) this.#fetchTimeline();
      });
  }

  #onTimeline(callid: string, result: unknown): void {
    if (!isJsonObject(result) || callid !== this.selection.value.callid) return;
    const { timeline } = result;
    if (Array.isArray(timeline)) this.timeline.value = timeline.filter(isTimelineEntry);
  }
}

/** Whether the command makes or changes this call. */
function isRelatedTo(run: CommandRun, callid: string | undefined): boolean {
  if (callid === undefined) return false;
  const { params } = run;
  return (
    [params['callid'], params['callidA'], params['callidB']].includes(callid) || resultCallid(run) === callid
  );
}

function isTimelineEntry(value: unknown): value is TimelineEntry {
  return isJsonObject(value) && typeof value['at'] === 'number' && typeof value['event'] === 'string';
}
