/** Refuses the requests of an address that sends too many, before anything else is done for them. @module */
import type { Context, Next } from 'hono';
import { problemResponse } from '../errors/problem.ts';

/** The period of the limit in `wrangler.toml`, in seconds. */
const PERIOD_S = 10;

/**
 * Counts a request for its address, where the platform has such a count: guessing credentials costs the guesser time, and the service
 * little. Self-hosted, the front and the proxy limit connections instead.
 */
export async function limitRequests(
  { env, req }: Context<{ Bindings: Env }>,
  next: Next,
): Promise<Response | undefined> {
  const { REQUESTS } = env;
  const address = req.header('CF-Connecting-IP');
  if (!REQUESTS || address === undefined) return void (await next());
  const { success } = await REQUESTS.limit({ key: address });
  if (success) return void (await next());
  return problemResponse(
    429,
    `The address ${address} has sent too many requests. Wait ${PERIOD_S} seconds, and send fewer.`,
    { 'Retry-After': String(PERIOD_S) },
  );
}
