/** Sends requests to the admin API of an edge. @module */
import { sendHttpRequest } from '../../adapter/network/http-request.ts';
import { createAgent } from '../../adapter/network/network.ts';
import { explainError } from '../../shared/settings/error-reason.ts';
import { EXIT, Failure } from '../exit.ts';
import { withReason } from '../output/sentence.ts';
import type { Fields } from '../output/table.ts';
import type { AdminSettings } from '../settings/admin-settings.ts';
import {
  type Answer,
  exitForStatus,
  isUnavailable,
  readAnswer,
  retryAdvice,
} from '../transport/http-answer.ts';
import type { AdminRequest } from './command-group.ts';

/** The edge waits up to 5 s for its sites, and responds even without them. */
const RESPONSE_TIMEOUT_MS = 30_000;

const CHECK_URL = 'Check --edge (EDGE_URL).';
const MAYBE_DONE = 'The edge may have carried out the request.';

/** With what a request is sent, and how that is called in messages. */
export interface Access extends AdminSettings {
  /** The path below which the routes are. */
  readonly base: '/v1/admin' | '/v1/manage';
  /** What the edge may reject, and the settings that it comes from. */
  readonly credential: string;
  readonly origin: string;
}

/** Returns the response; rejects with a {@link Failure} where the edge refuses the request or is not reached. */
export async function sendAdminRequest(
  access: Access,
  { method, path, body }: AdminRequest,
  interrupt: AbortSignal,
): Promise<Fields> {
  const { edge, base, secret, network } = access;
  let answer: Answer;
  try {
    const response = await sendHttpRequest(`${edge}${base}${path}`, {
      method,
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      agent: createAgent(edge, network, RESPONSE_TIMEOUT_MS),
      signal: AbortSignal.any([interrupt, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)]),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    answer = await readAnswer(response);
    interrupt.throwIfAborted();
  } catch (error) {
    if (interrupt.aborted) throw new Failure(EXIT.interrupted, `Interrupted. ${MAYBE_DONE}`);
    const { reason, remedy = CHECK_URL } = explainError(error);
    throw new Failure(EXIT.unreachable, `Cannot connect to the edge at ${edge}: ${reason}. ${remedy}`);
  }
  const isSuccess = answer.status >= 200 && answer.status < 300;
  if (isSuccess && typeof answer.body === 'object' && answer.body !== null) return { ...answer.body };
  if (isSuccess && answer.isCut)
    throw new Failure(EXIT.unreachable, `The answer of the edge at ${edge} was cut off. ${MAYBE_DONE}`);
  throw rejection(access, answer);
}

function rejection({ edge, credential, origin }: Access, answer: Answer): Failure {
  const { status, detail } = answer;
  const fail = (problem: string, remedy: string) => new Failure(exitForStatus(answer), problem, remedy);
  if (status === 401)
    return fail(
      `The edge at ${edge} rejected ${credential} (401).`,
      `Check ${origin}.${detail === '' ? ` ${CHECK_URL}` : ''}`,
    );
  if (isUnavailable(status))
    return fail(withReason(`The edge at ${edge} is not available (${status})`, detail), retryAdvice(answer));
  if (detail === '') return fail(`What answers at ${edge} is not an edge (HTTP ${status}).`, CHECK_URL);
  return fail(withReason(`The edge rejected the request (${status})`, detail), '');
}
