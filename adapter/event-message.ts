/**
 * EVI's datagrams: JSON-RPC notifications whose method is the event's name.
 * @module
 */
import * as z from 'zod';
import { EviEvent } from '../shared/evi.ts';

const Notification = z.object({ method: z.string(), params: z.unknown().optional() });

/**
 * Reads a datagram. What is not one of the known events, whole and well-formed, is a problem told in words:
 * it must not come into the replayed link, where the edge could do nothing but stumble over it again.
 */
export function decodeEvent(text: string): { readonly event: EviEvent } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const notification = Notification.safeParse(json);
  if (!notification.success) return { problem: 'it is no JSON-RPC notification' };
  const { method: name, params } = notification.data;
  const event = EviEvent.safeParse({ name, params });
  if (!event.success) return { problem: `${name}: ${z.prettifyError(event.error)}` };
  return { event: event.data };
}
