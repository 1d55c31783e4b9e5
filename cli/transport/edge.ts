/** The transport through the edge: the client package, with the reason why a connection was refused. @module */
import {
  type CallApi,
  CallApiError,
  type Command,
  type ConnectionState,
  connect,
  type Method,
  type Params,
} from '../../client/index.ts';
import { CALL_STATES } from '../../shared/calls/call.ts';
import { adviceFor, EXIT, errorText, exitFor, Failure } from '../exit.ts';
import { sentences } from '../output/sentence.ts';
import type { Edge } from '../settings/settings.ts';
import { type ConnectError, failureFor, noAnswer } from './connect-error.ts';
import { type EdgeSettings, webSocketClass } from './edge-connection.ts';
import type { CommandUpdate, Transport, WatchEvent } from './transport.ts';

const CLOSED = {
  unauthorized:
    'The edge closed the connection, because the key was revoked or the token has expired. Use another key or token.',
  superseded: 'The edge closed the connection, because another client resumed its session.',
} as const;

/**
 * Connects to the edge. An error before the first socket is open fails the transport; a connection that is lost later is
 * restored by the client.
 * @param showHint shows a sentence to the user
 */
export function openEdgeTransport(settings: EdgeSettings, showHint: (sentence: string) => void): Transport {
  const { edge, token, timeoutMs } = settings;
  let lastError: ConnectError = { type: 'unreachable', reason: `no answer within ${timeoutMs / 1_000} s` };
  let wasOpen = false;
  let isLost = false;
  const { promise: failed, reject } = rejectablePromise();
  const fail = (failure: Failure) => {
    clearTimeout(connectTimer);
    reject(failure);
    api.close();
  };
  const connectTimer = setTimeout(() => fail(failureFor(lastError, edge, token)), timeoutMs);
  const onState = (state: ConnectionState) => {
    if (state.status === 'open') {
      clearTimeout(connectTimer);
      if (isLost) showHint('Connected again.');
      isLost = false;
      wasOpen = true;
    } else if (state.status === 'waiting' && !wasOpen) {
      fail(failureFor(lastError, edge, token));
    } else if (state.status === 'waiting' && !isLost) {
      isLost = true;
      showHint('The connection to the edge was lost. Connecting again.');
    } else if (state.status === 'closed' && state.reason !== 'requested') {
      fail(new Failure(EXIT.notAllowed, CLOSED[state.reason]));
    }
  };
  const api = connect({
    url: edge.socket,
    token,
    WebSocket: webSocketClass(settings, (error) => {
      lastError = error;
      // The client package asks the edge whether a token is rejected, but knows no proxy.
      if (wasOpen && isRejection(error)) fail(failureFor(error, edge, token));
    }),
    onState,
  });
  return {
    run(method, params, onUpdate) {
      const command = api.run(method, params as Params<Method>);
      void forwardUpdates(command, onUpdate);
      return command.cmdId;
    },
    query: (query, params) =>
      api
        .request(query, params, { signal: AbortSignal.timeout(timeoutMs) })
        .catch((error: unknown) => Promise.reject(toFailure(error, edge, timeoutMs))),
    states: CALL_STATES,
    watch: (onEvent, callid) =>
      void forwardChanges(api, onEvent, callid).catch((error) => reject(toFailure(error, edge, timeoutMs))),
    failed,
    async close() {
      clearTimeout(connectTimer);
      api.close();
    },
  };
}

/** Returns whether the edge rejects the credential, so that connecting again is useless. */
function isRejection(error: ConnectError): boolean {
  return error.type === 'refused' && (error.status === 401 || error.status === 403);
}

async function forwardUpdates(
  command: Command<Method>,
  onUpdate: (update: CommandUpdate) => void,
): Promise<void> {
  try {
    for await (const update of command) onUpdate(update as CommandUpdate);
  } catch (error) {
    if (!(error instanceof CallApiError)) throw error;
    const { code, message, data } = error;
    onUpdate({
      event: error.event ?? 'Lost',
      error: { code, message, ...(data === undefined ? {} : { data }) },
    });
  }
}

async function forwardChanges(
  api: CallApi,
  onEvent: (event: WatchEvent) => void,
  callid?: string,
): Promise<void> {
  for await (const change of api.watch({ callid })) {
    if (change.type === 'call') {
      const { event, call, data } = change;
      onEvent({ type: 'call', event, call, ...(data === undefined ? {} : { data }) });
    } else if (change.type === 'link') onEvent({ type: 'link', event: change.link });
    else if (change.type !== 'resumed') {
      onEvent({ type: 'calls', calls: change.calls });
      if (change.type !== 'page' && change.link === 'Down') onEvent({ type: 'link', event: 'Down' });
    }
  }
}

function toFailure(error: unknown, edge: Edge, timeoutMs: number): unknown {
  if (error instanceof DOMException && error.name === 'TimeoutError') return noAnswer(edge, timeoutMs);
  if (!(error instanceof CallApiError)) return error;
  return new Failure(exitFor(error.code), sentences(errorText(error), adviceFor(error.code)));
}

/** Does what `Promise.withResolvers` does, which Node 20 lacks. A rejection that nobody awaits is no error. */
function rejectablePromise(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  promise.catch(() => {});
  return { promise, reject };
}
