/**
 * EVI datagrams: JSON-RPC notifications whose method is the name of the event.
 * @module
 */
import * as z from 'zod';
import { EviEvent } from '../../shared/opensips/evi.ts';
import { MAX_CALLID_LENGTH } from '../../shared/opensips/stored-text.ts';
import { quote } from '../../shared/settings/quote.ts';

const CALLID_PARAMS = ['callid', 'transfer_callid'];

const Notification = z.object({ method: z.string(), params: z.unknown().optional() });

/**
 * Decodes a datagram. Returns a problem if it is not a complete, valid event of a known name: such an event must not
 * enter the outbox, because the edge would reject it at every replay.
 */
export function decodeEvent(text: string): { readonly event: EviEvent } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'the datagram is not JSON' };
  }
  const notification = Notification.safeParse(json);
  if (!notification.success) return { problem: 'the datagram is not a JSON-RPC notification' };
  const { method: name, params } = notification.data;
  const problem = tooLongCallid(name, params);
  if (problem !== undefined) return { problem };
  const event = EviEvent.safeParse({ name, params });
  return event.success ? { event: event.data } : { problem: describeFault(name, event.error) };
}

/** Names the Call-ID that is too long to be stored. */
function tooLongCallid(name: string, params: unknown): string | undefined {
  const fault = Object.entries(params ?? {}).find(
    ([param, value]) => CALLID_PARAMS.includes(param) && String(value).length > MAX_CALLID_LENGTH,
  );
  if (fault === undefined) return undefined;
  const [param, value] = fault;
  return `the event ${name} has a Call-ID of ${String(value).length} characters in ${param}, and the limit is ${MAX_CALLID_LENGTH}`;
}

/** Names the params that are missing or invalid; without any the event itself is unknown. */
function describeFault(name: string, { issues }: z.ZodError): string {
  const params = issues.flatMap(({ path }) => (path[0] === 'params' && path.length > 1 ? [path[1]] : []));
  if (params.length === 0) return `the event ${quote(name)} is unknown, or has no params`;
  return `the event ${name} has missing or invalid params: ${[...new Set(params)].join(', ')}`;
}
