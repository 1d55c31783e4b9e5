/** `connect`, and the interface that it returns: commands, calls and the state of the connection. @module */
import { onAbort } from '../connection/abort-signal.ts';
import type { Call, CallEvent, CallState } from '../connection/call.ts';
import { Connection, type ConnectionState } from '../connection/connection.ts';
import { quote } from '../connection/failures.ts';
import { isRpcError, type JsonObject } from '../connection/messages.ts';
import { type WebSocketClass, webPlatform } from '../connection/platform.ts';
import { isToken } from '../connection/token-provider.ts';
import { CallApiError } from './call-api-error.ts';
import { type Command, type CommandOptions, runCommand, type StartCommand } from './command.ts';
import type {
  CallAttendedTransferParams,
  CallBlindTransferParams,
  CallEndParams,
  CallHoldParams,
  CallStartParams,
  Method,
  Params,
} from './command-types.ts';
import { type Change, type WatchOptions, watchCalls } from './watch.ts';

export interface ConnectOptions {
  /** URL of `/call-api`, such as `wss://calls.example.com/call-api`. Add `?site=…` for an API key with several sites. */
  readonly url: string | URL;
  /** A client token or an API key. If it expires, the connection ends with it: use `getToken` instead. */
  readonly token?: string | undefined;
  /**
   * Returns a token. It is called before the first connection, some time before a token expires (if it is a JWT), and when
   * a token was rejected. An open socket continues with the new token. If it rejects, or does not settle within 10 s, it is
   * called again later.
   */
  readonly getToken?: (() => Promise<string>) | undefined;
  /** Closes the connection when it is aborted, as {@link CallApi.close} does. */
  readonly signal?: AbortSignal | undefined;
  /** The WebSocket class, if the platform has none. On Node 20, use the one of the package `ws`. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Called whenever {@link CallApi.state} changes. */
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  /**
   * Prefix of the session id: 1 to 55 of `A-Z a-z 0-9 . _ ~ -`; random if omitted. A newer connection with the same session
   * supersedes an older one.
   */
  readonly session?: string | undefined;
}

/** Filters and paging of {@link CallApi.calls}. */
export interface ListOptions {
  /** Only calls in this state, or in one of these states. */
  readonly state?: CallState | readonly CallState[] | undefined;
  /** Only calls of this party, caller or callee: a SIP URI, or its `user@host`. */
  readonly address?: string | undefined;
  /** Only calls that began at this time or later, in Unix milliseconds. */
  readonly since?: number | undefined;
  /** Calls per page: 1 to 500; 100 if omitted. */
  readonly limit?: number | undefined;
  /** `cursor` of the previous page. */
  readonly cursor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A page of calls, newest first. */
export interface CallPage {
  readonly calls: readonly Call[];
  /** Pass it on to get the next page. Absent on the last page. */
  readonly cursor?: string;
}

/** A call with all its changes. */
export interface CallHistory {
  readonly call: Call;
  readonly timeline: readonly TimelineEntry[];
}

export interface TimelineEntry {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly event: CallEvent;
  readonly data?: unknown;
}

export interface RequestOptions {
  /** Stops waiting: the promise rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection to the Call API that reconnects by itself. Each command returns at once. It is sent when a socket is open, and
 * again after a reconnect with the same `cmd_id` until the edge has answered, for 30 s at most, because an edge might run it
 * twice after that. Its events arrive in order, each once, even if the connection is lost in between.
 */
export interface CallApi {
  /** State of the connection. */
  readonly state: ConnectionState;
  /** Calls `caller`, then has its phone call `callee`. Resolves with the `callid` when both have answered. */
  callStart(params: CallStartParams, options?: CommandOptions): StartCommand;
  /** Ends a call. With the `cmd_id` of a CallStart, also ends a call that is still ringing. */
  callEnd(params: CallEndParams, options?: CommandOptions): Command<'CallEnd'>;
  callHold(params: CallHoldParams, options?: CommandOptions): Command<'CallHold'>;
  callUnhold(params: CallHoldParams, options?: CommandOptions): Command<'CallUnhold'>;
  /** Transfers `leg` to `destination`. Resolves with the new call. */
  callBlindTransfer(params: CallBlindTransferParams, options?: CommandOptions): Command<'CallBlindTransfer'>;
  /** Connects a leg of one call with a leg of another. Resolves with the new call. */
  callAttendedTransfer(
    params: CallAttendedTransferParams,
    options?: CommandOptions,
  ): Command<'CallAttendedTransfer'>;
  /** Returns its params. */
  echo(params?: JsonObject, options?: CommandOptions): Command<'Echo'>;
  /** Runs any of these commands by its name. */
  run<M extends Method>(method: M, params: Params<M>, options?: CommandOptions): Command<M>;
  /**
   * Watches the calls of the site: first all active calls, then each change once and in order, also across reconnects. Each
   * iteration is a watch of its own, which begins and ends with the loop. It rejects with a {@link CallApiError} if it is
   * refused, or if the connection is closed for good other than by {@link CallApi.close}.
   */
  watch(options?: WatchOptions): AsyncIterable<Change>;
  readonly calls: {
    /** Lists the calls that the site knows, one page at a time. */
    list(options?: ListOptions): Promise<CallPage>;
    /** Returns a call and its history. Rejects with `errorCode.gone` if the call is not known. */
    get(callid: string, options?: RequestOptions): Promise<CallHistory>;
  };
  /**
   * Sends any JSON-RPC request; resolves with its `result`. `CallList` and `CallGet` are sent again after a reconnect. Any
   * other request then rejects with `errorCode.unknown`, because it may have been run or not. Without a response within 30 s,
   * every request rejects.
   */
  request(method: string, params?: object, options?: RequestOptions): Promise<unknown>;
  /**
   * Reconnects at once instead of waiting for the next attempt. Call it when the network is back. Has no effect once the
   * connection is closed for good.
   */
  retryNow(): void;
  /**
   * Closes the connection for good. Requests without a response reject; watches end. Commands that were sent continue to run,
   * and no call is ended.
   */
  close(): void;
}

/** Requests that change nothing, so they can be sent again. */
const REPEATABLE = ['CallList', 'CallGet'];

/**
 * Connects to the Call API.
 *
 * ```ts
 * const api = connect({ url: 'ws://localhost:5059/call-api' });
 * const start = api.callStart({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' });
 * for await (const { event } of start) console.log(event);
 * const { callid } = await start.ended;
 * ```
 * @throws TypeError if the URL or the token is invalid, or if neither the platform nor the options have a WebSocket
 */
export function connect({
  url,
  token,
  getToken,
  signal,
  WebSocket = globalThis.WebSocket,
  onState,
  session,
}: ConnectOptions): CallApi {
  if (!WebSocket)
    throw new TypeError('WebSocket: missing. Use that of the package ws: connect({ WebSocket }).');
  if (token !== undefined && !isToken(token))
    throw new TypeError('token: contains a space or another invalid character.');
  if (session !== undefined && !/^[\w.~-]{1,55}$/.test(session))
    throw new TypeError(`session: ${quote(session)} is invalid. Use 1 to 55 of A-Z a-z 0-9 . _ ~ -`);

  let state: ConnectionState = { status: 'connecting', attempt: 0 };
  let removeListener = () => {};
  const connection = new Connection(
    {
      url: webSocketUrl(url),
      token,
      getToken,
      session,
      onState: (newState) => {
        state = newState;
        if (newState.status === 'closed') removeListener();
        onState?.(newState);
      },
    },
    webPlatform(WebSocket),
  );
  const close = () => connection.close();
  const request = (method: string, params: object, signal?: AbortSignal): Promise<unknown> =>
    connection.request(method, params, REPEATABLE.includes(method), signal).catch((error: unknown) => {
      throw isRpcError(error) && !(error instanceof Error) ? new CallApiError(error) : error;
    });
  const command =
    <M extends Method>(method: M) =>
    (params: Params<M>, options?: CommandOptions) =>
      runCommand(connection, method, params, options);
  const callEnd = command('CallEnd');

  removeListener = onAbort(signal, close);
  if (!signal?.aborted) connection.connect();
  return {
    get state() {
      return state;
    },
    callStart(params, options) {
      const start = runCommand(connection, 'CallStart', params, options);
      return { ...start, end: (endOptions) => callEnd({ callid: start.cmdId }, endOptions) };
    },
    callEnd,
    callHold: command('CallHold'),
    callUnhold: command('CallUnhold'),
    callBlindTransfer: command('CallBlindTransfer'),
    callAttendedTransfer: command('CallAttendedTransfer'),
    echo: (params = {}, options) => runCommand(connection, 'Echo', params, options),
    run: (method, params, options) => runCommand(connection, method, params, options),
    watch: (options = {}) => ({ [Symbol.asyncIterator]: () => watchCalls(connection, options) }),
    calls: {
      // Trusts the edge to send what docs/protocol.md specifies.
      list: ({ signal, ...params } = {}) => request('CallList', params, signal) as Promise<CallPage>,
      get: (callid, { signal } = {}) => request('CallGet', { callid }, signal) as Promise<CallHistory>,
    },
    request: (method, params = {}, { signal } = {}) => request(method, params, signal),
    retryNow: () => connection.retryNow(),
    close,
  };
}

/** Returns the URL with the scheme `ws` or `wss`. Accepts `http` and `https` as well. */
function webSocketUrl(url: string | URL): string {
  try {
    const parsed = new URL(url);
    parsed.protocol = parsed.protocol.replace('http', 'ws');
    if (/^wss?:$/.test(parsed.protocol)) return parsed.href;
  } catch {
    // The text is not a URL at all.
  }
  throw new TypeError(`url: ${quote(url)} is not a WebSocket URL. Use wss://host/call-api.`);
}
