/** Why the edge is not reached or rejects a connection, and what to do about it. Pure. @module */
import type { ErrorReason } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';
import { withReason } from '../output/sentence.ts';
import type { Edge } from '../settings/settings.ts';
import { exitForStatus, isUnavailable, type Refusal, retryAdvice } from './http-answer.ts';

/** Why there is no connection: the HTTP response that refused it, or what kept any response from arriving. */
export type ConnectError =
  | ({ readonly type: 'refused' } & Refusal)
  | ({ readonly type: 'unreachable' } & ErrorReason);

const CHECK_URL = 'Check --url (CALL_API).';
export const SITE_MISSING = 'The API key is valid for several sites, and none is named.';
const RUN_DOCTOR = 'Run call-api doctor for details.';

/** Returns what a connection error means to the user, and the exit code for it. */
export function failureFor(error: ConnectError, edge: Edge, token: string | undefined): Failure {
  if (error.type === 'unreachable') {
    const isLocal = /\/\/(?:localhost|127\.|\[::1\])/.test(edge.shown);
    const start = isLocal ? ' To start an edge on this machine, run npm start.' : '';
    const { reason, remedy = `${CHECK_URL}${start}` } = error;
    return new Failure(EXIT.unreachable, `Cannot connect to the edge at ${edge.shown}: ${reason}.`, remedy);
  }
  const { status, detail } = error;
  // The name of the field comes first.
  if (status === 400 && edge.site === undefined && detail.startsWith('site:'))
    return new Failure(EXIT.usage, SITE_MISSING, 'Use --site (CALL_API_SITE).');
  if (status === 401) return rejection(edge, token);
  const fail = (problem: string, remedy: string) => new Failure(exitForStatus(error), problem, remedy);
  const checkUrl = detail === '' ? CHECK_URL : '';
  if (status === 403)
    return fail(withReason(`The edge at ${edge.shown} does not allow this (403)`, detail), checkUrl);
  if (isUnavailable(status))
    return fail(
      withReason(`The edge at ${edge.shown} is not available (${status})`, detail),
      retryAdvice(error),
    );
  if (status === 400 || detail !== '')
    return fail(withReason(`The edge rejected the request (${status})`, detail), checkUrl);
  return fail(`What answers at ${edge.shown} is not an edge (HTTP ${status}).`, CHECK_URL);
}

/** Returns the failure of a query that an open connection gets no answer to. */
export function noAnswer({ shown }: Edge, timeoutMs: number): Failure {
  return new Failure(
    EXIT.unreachable,
    `The edge at ${shown} has not answered within ${timeoutMs / 1_000} s.`,
    'Try again, or increase --timeout (CALL_API_TIMEOUT).',
  );
}

/** Returns the failure of a connection to a server that does not speak the protocol. */
export function notAnEdge({ shown }: Edge): Failure {
  return new Failure(
    EXIT.unreachable,
    `What answers at ${shown} is not an edge: its messages are not JSON-RPC.`,
    CHECK_URL,
  );
}

/** For security, the edge does not say what is wrong with a credential. */
function rejection({ site, shown }: Edge, token: string | undefined): Failure {
  if (token === undefined)
    return new Failure(
      EXIT.notAllowed,
      `The edge at ${shown} requires an API key or a token.`,
      'Set CALL_API_TOKEN, or use --token-file.',
    );
  if (site !== undefined)
    return new Failure(
      EXIT.notAllowed,
      `The edge rejected the API key or token for the site ${quote(site)}.`,
      `Check --site (CALL_API_SITE), and that the key or token is valid. ${RUN_DOCTOR}`,
    );
  return new Failure(
    EXIT.notAllowed,
    'The edge rejected the API key or token: it is invalid, expired or revoked.',
    RUN_DOCTOR,
  );
}
