/** Sends requests to the admin API of an edge. @module */
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { EXIT, Failure } from '../exit.ts';
import type { Fields } from '../output/table.ts';
import type { AdminSettings } from '../settings/admin-settings.ts';
import type { AdminRequest } from './command-group.ts';

/** The edge waits up to 5 s for its sites, and responds even without them. */
const RESPONSE_TIMEOUT_MS = 30_000;

/** Returns the response; rejects with a {@link Failure} where the edge refuses the request or is not reached. */
export async function sendAdminRequest(
  { edge, secret }: AdminSettings,
  { method, path, body }: AdminRequest,
  interrupt: AbortSignal,
): Promise<Fields> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(`${edge}/v1/admin${path}`, {
      method,
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      // A redirect would send the secret to another server.
      redirect: 'error',
      signal: AbortSignal.any([interrupt, AbortSignal.timeout(RESPONSE_TIMEOUT_MS)]),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    answer = await response.json().catch(() => undefined);
  } catch (error) {
    if (interrupt.aborted)
      throw new Failure(EXIT.interrupted, 'interrupted: the edge may have carried out the request');
    throw new Failure(
      EXIT.unreachable,
      `no edge is reached at ${edge} (${reasonOf(error)}): check --edge or EDGE_URL`,
    );
  }
  if (response.ok && typeof answer === 'object' && answer !== null) return { ...answer };
  throw new Failure(EXIT.failed, refusal(response.status, answer));
}

function refusal(status: number, answer: unknown): string {
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : undefined;
  if (typeof detail === 'string') return `Refused (${status}): ${detail}`;
  return `Refused (${status}), and not in the words of an edge: check --edge`;
}
