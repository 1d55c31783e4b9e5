/** Sends requests to the admin API of an edge. @module */
import { type HttpResponse, parseJson, sendHttpRequest } from '../../adapter/network/http-request.ts';
import { createAgent } from '../../adapter/network/network.ts';
import { explainError } from '../../shared/settings/error-reason.ts';
import { EXIT, Failure } from '../exit.ts';
import { withReason } from '../output/sentence.ts';
import type { Fields } from '../output/table.ts';
import type { AdminSettings } from '../settings/admin-settings.ts';
import type { AdminRequest } from './command-group.ts';

/** The edge waits up to 5 s for its sites, and responds even without them. */
const RESPONSE_TIMEOUT_MS = 30_000;

const CHECK_URL = 'Check --edge (EDGE_URL).';

/** Returns the response; rejects with a {@link Failure} where the edge refuses the request or is not reached. */
export async function sendAdminRequest(
  { edge, secret, network }: AdminSettings,
  { method, path, body }: AdminRequest,
  interrupt: AbortSignal,
): Promise<Fields> {
  let response: HttpResponse;
  try {
    response = await sendHttpRequest(`${edge}/v1/admin${path}`, {
      method,
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      agent: createAgent(edge, network, RESPONSE_TIMEOUT_MS),
      signal: AbortSignal.any([interrupt, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)]),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (error) {
    if (interrupt.aborted)
      throw new Failure(EXIT.interrupted, 'Interrupted. The edge may have carried out the request.');
    const { reason, remedy = CHECK_URL } = explainError(error);
    throw new Failure(EXIT.unreachable, `Cannot connect to the edge at ${edge}: ${reason}. ${remedy}`);
  }
  const { status } = response;
  const answer = parseJson(response.body);
  if (status >= 200 && status < 300 && typeof answer === 'object' && answer !== null) return { ...answer };
  throw new Failure(EXIT.failed, rejectionText(edge, status, answer));
}

function rejectionText(edge: string, status: number, answer: unknown): string {
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : undefined;
  if (typeof detail !== 'string')
    return `What answers at ${edge} is not an edge (HTTP ${status}). ${CHECK_URL}`;
  if (status === 401)
    return `The edge at ${edge} rejected the admin secret (401). Check ADMIN_SECRET or --secret-file.`;
  return withReason(`The edge rejected the request (${status})`, detail);
}
