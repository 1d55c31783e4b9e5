/** The request that separates what an adapter has raised before it serves the site from what it raises afterward. @module */
import { MI_TIMEOUT_MS } from '../../../shared/commands/deadlines.ts';
import type { MiRequest } from '../../../shared/protocol/link.ts';

/**
 * Returns a request without a time to live: every adapter answers it at once, without running it. What it sends before the reply was
 * raised before it had the request.
 */
export function fenceRequest(id: string): MiRequest {
  return { type: 'mi', id, method: 'uptime', params: {}, timeout_ms: MI_TIMEOUT_MS, ttl_ms: 0 };
}
