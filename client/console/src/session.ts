/** What the page knows, as signals: the one place where the connection meets the page. @module */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { Connection, type ConnectionState } from '../../connection.ts';
import { isFailure, isFields } from '../../frames.ts';
import type { Call } from '../../watching.ts';
import { type Activity, type Command, callidOf, stepsOf, told } from './activity.ts';
import { Board } from './board.ts';
import { browser } from './browser.ts';
import { coalesced } from './coalesce.ts';
import { type Me, whoAmI } from './edge.ts';
import type { Entry } from './words.ts';

/** What is looked at: a command of this page, and the call that it made; or any call. */
export interface Selected {
  readonly cmdId?: string;
  readonly callid?: string;
}

/** How the list came to be what it is. */
export type Freshness = 'loading' | 'live' | 'resumed' | 'reread' | 'stale' | 'forbidden';

/** Commands of this page that are kept to look at. */
const ACTIVITIES_KEPT = 100;

/** Milliseconds: time to look up and read a line. */
const NEWS_MS = 8_000;

export class Session {
  readonly me: Me;
  readonly connection: Signal<ConnectionState> = signal({ is: 'connecting', attempt: 0 });
  /** Has the site an adapter? Undefined while it is not known. */
  readonly link: Signal<boolean | undefined> = signal(undefined);
  readonly freshness: Signal<Freshness> = signal('loading');
  /** When the list last was as OpenSIPS had it. */
  readonly asOf: Signal<number> = signal(Date.now());
  /** The board at the last frame that was drawn. */
  readonly standing: Signal<readonly Call[]> = signal([]);
  readonly ended: Signal<readonly Call[]> = signal([]);
  readonly activities: Signal<readonly Activity[]> = signal([]);
  readonly selected: Signal<Selected> = signal({});
  readonly timeline: Signal<readonly Entry[]> = signal([]);
  /** The call that is looked at, as it is now. */
  readonly call: ReadonlySignal<Call | undefined>;
  /** What was done to it from here, or for it to be, the oldest first. */
  readonly doings: ReadonlySignal<readonly Activity[]>;
  /** The last thing that somebody who does not see the page should hear. */
  readonly announcement: Signal<string> = signal('');

  readonly #token: string | undefined;
  readonly #onRefused: (reason: string) => void;
  readonly #board = new Board();
  readonly #wire: Connection;
  readonly #draw: () => void;
  #readingOf: string | undefined;
  #isReadingAgain = false;

  /** @param onRefused the token no longer holds, and why */
  constructor(token: string | undefined, me: Me, onRefused: (reason: string) => void) {
    this.me = me;
    this.#token = token;
    this.#onRefused = onRefused;
    this.#draw = coalesced(() => this.#show());
    this.call = computed(() => {
      // Read for their sake: they change with each frame in which the board has changed.
      void this.standing.value;
      const { callid } = this.selected.value;
      return callid === undefined ? undefined : this.#board.get(callid);
    });
    this.doings = computed(() => {
      const { cmdId, callid } = this.selected.value;
      return this.activities.value.filter((each) => each.cmdId === cmdId || isAbout(each, callid));
    });
    const onState = (state: ConnectionState) => this.#stands(state);
    const url = new URL('/call-api', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#wire = new Connection(
      { url: url.href, onState, ...(token === undefined ? {} : { token }) },
      browser,
    );
  }

  /** Connects and stays so; until what it returns is called. */
  begin(): () => void {
    this.#watch();
    this.#wire.connect();
    const online = () => this.#wire.retryNow();
    addEventListener('online', online);
    addEventListener('offline', online);
    return () => {
      removeEventListener('online', online);
      removeEventListener('offline', online);
      this.#wire.close();
    };
  }

  retryNow(): void {
    this.#wire.retryNow();
  }

  can(method: Command): boolean {
    return this.me.scopes.includes(method);
  }

  /** Runs a command, and shows it where it makes a call. */
  run(method: Command, params: Readonly<Record<string, unknown>>): void {
    const cmdId: string = this.#wire.run(method, params, (notice) => {
      this.#change(cmdId, (activity) => told(activity, notice, Date.now()));
    });
    const begun: Activity = { cmdId, method, params, told: [] };
    this.activities.value = [...this.activities.value, begun].slice(-ACTIVITIES_KEPT);
    if (method === 'CallStart') this.selected.value = { cmdId };
  }

  /** Looks at a call. */
  select(callid: string): void {
    if (this.selected.value.callid === callid) return;
    const made = this.activities.value.find(
      (each) => each.method === 'CallStart' && callidOf(each) === callid,
    );
    batch(() => {
      this.selected.value = { callid, ...(made ? { cmdId: made.cmdId } : {}) };
      this.timeline.value = [];
    });
    this.#readTimeline();
  }

  deselect(): void {
    this.selected.value = {};
  }

  #watch(): void {
    if (!this.me.scopes.includes('read')) {
      this.freshness.value = 'forbidden';
      return;
    }
    let isFirst = true;
    this.#wire.watch({
      snapshot: (calls, readOn) => {
        readOn();
        this.#board.replace(calls);
        this.#nowIs(isFirst ? 'live' : 'reread');
        isFirst = false;
        this.#draw();
        this.#readTimeline();
      },
      more: (calls, readOn) => {
        readOn();
        for (const call of calls) this.#board.put(call);
        this.#draw();
      },
      resumed: () => {
        this.#nowIs('resumed');
        this.#readTimeline();
      },
      changed: (call) => {
        this.#board.put(call);
        this.#draw();
        this.#follow(call);
      },
      link: (isUp) => {
        const before = this.link.value;
        this.link.value = isUp;
        if (before !== undefined && before !== isUp)
          this.announcement.value = isUp ? 'OpenSIPS is back.' : 'OpenSIPS cannot be reached.';
      },
      refused: () => {
        this.freshness.value = 'forbidden';
      },
    });
  }

  /** That it is back is news for a while. */
  #nowIs(freshness: Freshness): void {
    this.freshness.value = freshness;
    if (freshness !== 'live')
      browser.after(NEWS_MS, () => {
        if (this.freshness.value === freshness) this.freshness.value = 'live';
      });
  }

  /** A call that is looked at may become another: so then is what is looked at. */
  #follow({ callid, became, state }: Call): void {
    if (callid !== this.selected.value.callid) return;
    if (state === 'ended' && became !== undefined) this.select(became);
    else this.#readTimeline();
  }

  #stands(state: ConnectionState): void {
    const before = this.connection.value.is;
    batch(() => {
      this.connection.value = state;
      if (before === 'open' && state.is !== 'open') {
        this.asOf.value = Date.now();
        if (this.freshness.value !== 'forbidden') this.freshness.value = 'stale';
        this.announcement.value = 'The connection was lost.';
      }
    });
    // A browser does not tell a page why an upgrade was refused, so it is asked for.
    if (state.is === 'waiting') void this.#askWhetherRefused();
    if (state.is === 'closed' && state.why === 'unauthorized') this.#onRefused('The token no longer holds.');
  }

  async #askWhetherRefused(): Promise<void> {
    const answer = await whoAmI(this.#token).catch(() => this.me);
    if (typeof answer === 'string') this.#wire.close('unauthorized');
  }

  #show(): void {
    batch(() => {
      this.standing.value = this.#board.standing();
      this.ended.value = this.#board.ended();
    });
  }

  #change(cmdId: string, change: (activity: Activity) => Activity): void {
    const changed = this.activities.value.map((each) => (each.cmdId === cmdId ? change(each) : each));
    batch(() => {
      this.activities.value = changed;
      const { selected } = this;
      const [mine] = changed.filter((each) => each.cmdId === cmdId);
      if (!mine) return;
      const reached = stepsOf(mine).findLast(({ is }) => is === 'done');
      if (reached) this.announcement.value = reached.text;
      const callid = callidOf(mine);
      // What is looked at goes on to the call that has come of it.
      if (callid !== undefined && selected.value.cmdId === cmdId && selected.value.callid === undefined) {
        selected.value = { cmdId, callid };
        this.#readTimeline();
      }
    });
  }

  /** Reads the history of the call that is looked at; once more where it has changed meanwhile. */
  #readTimeline(): void {
    const { callid } = this.selected.value;
    if (callid === undefined || !this.me.scopes.includes('read')) return;
    if (this.#readingOf === callid) {
      this.#isReadingAgain = true;
      return;
    }
    this.#readingOf = callid;
    this.#isReadingAgain = false;
    this.#wire
      .ask('CallGet', { callid })
      .then(
        (result) => this.#showTimeline(callid, result),
        (error: unknown) => {
          if (!isFailure(error)) throw error;
        },
      )
      .finally(() => {
        const again = this.#isReadingAgain || this.selected.value.callid !== callid;
        this.#readingOf = undefined;
        if (again) this.#readTimeline();
      });
  }

  #showTimeline(callid: string, result: unknown): void {
    if (!isFields(result) || callid !== this.selected.value.callid) return;
    const { timeline } = result;
    if (Array.isArray(timeline)) this.timeline.value = timeline.filter(isEntry);
  }
}

/** Has that command to do with this call? */
function isAbout({ params, ...activity }: Activity, callid: string | undefined): boolean {
  if (callid === undefined) return false;
  const named = [params['callid'], params['callidA'], params['callidB']];
  return named.includes(callid) || callidOf({ params, ...activity }) === callid;
}

function isEntry(value: unknown): value is Entry {
  return isFields(value) && typeof value['at'] === 'number' && typeof value['event'] === 'string';
}
