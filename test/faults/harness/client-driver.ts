/**
 * Drives the shipped client where it runs, in Node or in a page, and reports in order what a program would see of it. It is
 * bundled into the page, so it uses nothing of Node.
 * @module
 */
import {
  type Call,
  type CallApi,
  CallApiError,
  type Change,
  type CommandEvent,
  type ConnectOptions,
  connect,
  type Method,
  type Params,
  type WebSocketClass,
} from '../../../client/index.ts';

/** An error of the client. `event` says when the command failed; it is absent from the error of anything else. */
export interface ReportedError {
  readonly code: number;
  readonly data?: unknown;
  readonly event?: 'Refused' | 'Error' | 'Lost';
}

/** `run` and `watch` are the numbers that the command or the watch was begun with. */
export type Report =
  | { readonly type: 'session'; readonly name: string }
  | { readonly type: 'event'; readonly run: number; readonly update: CommandEvent<Method> }
  /** The iteration of the command is over. */
  | { readonly type: 'iterated'; readonly run: number; readonly error?: ReportedError }
  /** `ended` has settled. */
  | {
      readonly type: 'settled';
      readonly run: number;
      readonly result?: unknown;
      readonly error?: ReportedError;
    }
  | { readonly type: 'change'; readonly watch: number; readonly change: Change }
  | { readonly type: 'unwatched'; readonly watch: number; readonly error?: ReportedError };

/** What a test needs of a client, wherever it runs. */
export interface Driver {
  run(run: number, method: string, params: object, cmdId: string): void;
  watch(watch: number): void;
  /** Resolves with all active calls, as `CallList` has them. */
  list(): Promise<readonly Call[]>;
  close(): void;
}

const PAGE_SIZE = 500;

/** Connects the shipped client. `report` is called for everything that it tells its program. */
export function startDriver(options: ConnectOptions, report: (report: Report) => void): Driver {
  const Base: WebSocketClass = options.WebSocket ?? globalThis.WebSocket;
  class ReportingWebSocket extends Base {
    constructor(url: string, protocols: string[]) {
      report({ type: 'session', name: new URL(url).searchParams.get('session') ?? '' });
      super(url, protocols);
    }
  }
  const api = connect({ ...options, WebSocket: ReportingWebSocket });
  return {
    run(run, method, params, cmdId) {
      const command = api.run(method as Method, params as Params<Method>, { cmdId });
      void command.ended.then(
        (result) => report({ type: 'settled', run, result }),
        (error: unknown) => report({ type: 'settled', run, error: reported(error) }),
      );
      void read(
        command,
        (update) => report({ type: 'event', run, update }),
        (error) => report({ type: 'iterated', run, ...error }),
      );
    },
    watch(watch) {
      void read(
        api.watch(),
        (change) => report({ type: 'change', watch, change }),
        (error) => report({ type: 'unwatched', watch, ...error }),
      );
    },
    list: () => listActiveCalls(api),
    close: () => api.close(),
  };
}

async function read<T>(
  items: AsyncIterable<T>,
  onItem: (item: T) => void,
  onEnd: (failure: { readonly error?: ReportedError }) => void,
): Promise<void> {
  try {
    for await (const item of items) onItem(item);
    onEnd({});
  } catch (error) {
    onEnd({ error: reported(error) });
  }
}

/** Returns an error as it can be passed out of a page. An error of another class is a fault of the client. */
function reported(error: unknown): ReportedError {
  if (!(error instanceof CallApiError)) return { code: 0, data: String(error) };
  const { code, data, event } = error;
  return { code, ...(data === undefined ? {} : { data }), ...(event ? { event } : {}) };
}

async function listActiveCalls(api: CallApi): Promise<readonly Call[]> {
  const calls: Call[] = [];
  let cursor: string | undefined;
  do {
    const state = ['ringing', 'answered', 'held', 'transferring'] as const;
    const page = await api.calls.list({ state, limit: PAGE_SIZE, cursor });
    calls.push(...page.calls);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return calls;
}
