/**
 * EVI datagrams: JSON-RPC notifications whose method is the name of the event.
 * @module
 */
import * as z from 'zod';
import { EviEvent } from '../../shared/opensips/evi.ts';

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
    return { problem: 'not JSON' };
  }
  const notification = Notification.safeParse(json);
  if (!notification.success) return { problem: 'not a JSON-RPC notification' };
  const { method: name, params } = notification.data;
  const event = EviEvent.safeParse({ name, params });
  if (!event.success) return { problem: `${name}: ${z.prettifyError(event.error)}` };
  return { event: event.data };
}
