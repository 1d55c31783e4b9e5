/** What a program has of the Call API: its commands, its calls, and how the connection stands. @module */
import { whenAborted } from './abort.ts';
import { CallApiError } from './call-error.ts';
import { type Command, type CommandOptions, run, type StartCommand } from './command.ts';
import type {
  CallAttendedTransferParams,
  CallBlindTransferParams,
  CallEndParams,
  CallHoldParams,
  CallStartParams,
  Method,
  Params,
} from './commands.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { type Fields, isFailure } from './frames.ts';
import { platform, type WebSocketClass } from './platform.ts';
import { isToken } from './tokens.ts';
import { type Change, type WatchOptions, watch } from './watch.ts';
import type { Call, CallEvent, CallState } from './watching.ts';

export interface ConnectOptions {
  /** Of the edge's `/call-api`, such as `wss://calls.example.com/call-api`; with `?site=…` for a key of several sites. */
  readonly url: string | URL;
  /** A client token, or an API key. With one that expires, the connection ends when it does: see `getToken`. */
  readonly token?: string | undefined;
  /**
   * Gets a token: asked before the first connection, in time before one expires (a JWT tells when), and when one was
   * refused. The live socket goes on with the fresh one. Where it rejects it is asked again later.
   */
  readonly getToken?: (() => Promise<string>) | undefined;
  /** Closes the connection when it is aborted, as {@link CallApi.close} does. */
  readonly signal?: AbortSignal | undefined;
  /** A class of WebSockets, where the platform has none: Node 20, to which `ws` brings it. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Is told whenever {@link CallApi.state} changes. */
  readonly onState?: ((state: ConnectionState) => void) | undefined;
  /**
   * What the name of its session begins with: 1 to 55 of `A-Z a-z 0-9 . _ ~ -`; random where not given. A newer
   * connection of the same session supersedes an older one.
   */
  readonly session?: string | undefined;
}

/** Which calls. */
export interface ListOptions {
  /** In this state, or in one of these. */
  readonly state?: CallState | readonly CallState[] | undefined;
  /** Of either party: a SIP URI, or its `user@host`. */
  readonly address?: string | undefined;
  /** Those that began then or later, in Unix milliseconds. */
  readonly since?: number | undefined;
  /** To a page: 1 to 500, 100 where not given. */
  readonly limit?: number | undefined;
  /** From the page before. */
  readonly cursor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The newest first. */
export interface CallPage {
  readonly calls: readonly Call[];
  /** For the next page; absent at the last. */
  readonly cursor?: string;
}

/** A call, with each change that it has gone through. */
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

interface Interest {
  /** Ends the waiting; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection to the Call API that comes back by itself. Each command returns at once; it is sent when there is a
 * socket, asked for again under the same `cmd_id` until it is answered (for 30 s: longer, an edge might run it twice),
 * and told in order, each step once, across any number of breaks.
 */
export interface CallApi {
  /** How the connection stands. */
  readonly state: ConnectionState;
  /** Rings `caller`, then has its phone call `callee`. Resolves when both speak, with the `callid` of their call. */
  callStart(params: CallStartParams, options?: CommandOptions): StartCommand;
  /** Ends a call; by the `cmd_id` of a CallStart, also one that still rings. */
  callEnd(params: CallEndParams, options?: CommandOptions): Command<'CallEnd'>;
  callHold(params: CallHoldParams, options?: CommandOptions): Command<'CallHold'>;
  callUnhold(params: CallHoldParams, options?: CommandOptions): Command<'CallUnhold'>;
  /** Sends `leg` away to `destination`. Resolves with the new call. */
  callBlindTransfer(params: CallBlindTransferParams, options?: CommandOptions): Command<'CallBlindTransfer'>;
  /** Connects a leg of one call with a leg of another. Resolves with the new call. */
  callAttendedTransfer(
    params: CallAttendedTransferParams,
    options?: CommandOptions,
  ): Command<'CallAttendedTransfer'>;
  /** Comes back as it is. */
  echo(params?: Fields, options?: CommandOptions): Command<'Echo'>;
  /** Any of these commands, by its name. */
  run<M extends Method>(method: M, params: Params<M>, options?: CommandOptions): Command<M>;
  /**
   * Watches the calls of the site: all that stand, then each change once and in order, across breaks. The watch begins
   * with the iteration and ends with it; each iteration is a watch of its own. Rejects with a {@link CallApiError} where
   * it is refused, or the connection is closed for good other than by {@link CallApi.close}.
   */
  watch(options?: WatchOptions): AsyncIterable<Change, undefined>;
  readonly calls: {
    /** The calls that the site knows, a page at a time. */
    list(options?: ListOptions): Promise<CallPage>;
    /** One call and its history. Rejects with `errorCode.gone` where it is not known. */
    get(callid: string, options?: Interest): Promise<CallHistory>;
  };
  /**
   * One request of JSON-RPC as it is; resolves with its `result`. `CallList` and `CallGet` are asked again after a
   * break; any other rejects then with `errorCode.unknown`, for it may have been done or not.
   */
  request(method: string, params?: object, options?: Interest): Promise<unknown>;
  /** Tries at once, where it waits to: the network is back. */
  retryNow(): void;
  /**
   * For good. What has no answer rejects; watches end. Commands that have been sent run on without us: this ends no
   * call.
   */
  close(): void;
}

/** What may be asked again, for it changes nothing. */
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
 * @throws TypeError where the URL or the token cannot be one, or the platform has no WebSocket and none is given
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
    throw new TypeError(
      'no WebSocket here: give one, such as that of the package ws, as connect({ WebSocket })',
    );
  if (token !== undefined && !isToken(token)) throw new TypeError('token: neither a key nor a token');
  if (session !== undefined && !/^[\w.~-]{1,55}$/.test(session))
    throw new TypeError('session: 1 to 55 of A-Z a-z 0-9 . _ ~ -');
  const address = new URL(url);
  address.protocol = address.protocol.replace('http', 'ws');
  if (!/^wss?:$/.test(address.protocol)) throw new TypeError(`url: not ws: or wss:, but ${address.protocol}`);

  let state: ConnectionState = { is: 'connecting', attempt: 0 };
  let over = () => {};
  const connection = new Connection(
    {
      url: address.href,
      token,
      getToken,
      session,
      onState: (now) => {
        state = now;
        if (now.is === 'closed') over();
        onState?.(now);
      },
    },
    platform(WebSocket),
  );
  const close = () => connection.close();
  const ask = (method: string, params: object, signal?: AbortSignal): Promise<unknown> =>
    connection.ask(method, params, REPEATABLE.includes(method), signal).catch((error: unknown) => {
      throw isFailure(error) && !(error instanceof Error) ? new CallApiError(error) : error;
    });
  const command =
    <M extends Method>(method: M) =>
    (params: Params<M>, options?: CommandOptions) =>
      run(connection, method, params, options);
  const callEnd = command('CallEnd');

  over = whenAborted(signal, close);
  if (!signal?.aborted) connection.connect();
  return {
    get state() {
      return state;
    },
    callStart(params, options) {
      const start = run(connection, 'CallStart', params, options);
      return { ...start, end: (how) => callEnd({ callid: start.cmdId }, how) };
    },
    callEnd,
    callHold: command('CallHold'),
    callUnhold: command('CallUnhold'),
    callBlindTransfer: command('CallBlindTransfer'),
    callAttendedTransfer: command('CallAttendedTransfer'),
    echo: (params = {}, options) => run(connection, 'Echo', params, options),
    run: (method, params, options) => run(connection, method, params, options),
    watch: (options = {}) => ({ [Symbol.asyncIterator]: () => watch(connection, options) }),
    calls: {
      // The edge's word is taken for what its protocol says.
      list: ({ signal, ...which } = {}) => ask('CallList', which, signal) as Promise<CallPage>,
      get: (callid, { signal } = {}) => ask('CallGet', { callid }, signal) as Promise<CallHistory>,
    },
    request: (method, params = {}, { signal } = {}) => ask(method, params, signal),
    retryNow: () => {
      if (state.is !== 'closed') connection.retryNow();
    },
    close,
  };
}
