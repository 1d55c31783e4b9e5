/**
 * Event subscriptions at OpenSIPS: made, renewed and ended with `event_subscribe`, read with
 * `subscribers_list`. They live for some seconds only and are gone when OpenSIPS restarts.
 * @module
 */
import * as z from 'zod';
import { EVENT_NAMES } from '../shared/evi.ts';
import type { MiClient, Patience } from './mi.ts';
import type { MiAnswer } from './mi-message.ts';
import type { Address } from './settings.ts';

/** How OpenSIPS names the socket that events go to. */
export function subscriber({ host, port }: Address): string {
  return `udp:${host}:${port}`;
}

/**
 * Subscribes every event, or renews it, for so many seconds; 0 ends it. Undefined is success, else what
 * OpenSIPS said of the first that failed.
 */
export async function subscribe(
  mi: MiClient,
  events: Address,
  seconds: number,
  patience: Patience,
): Promise<{ readonly event: string; readonly answer: MiAnswer } | undefined> {
  const socket = subscriber(events);
  const answers = await Promise.all(
    EVENT_NAMES.map(async (event) => ({
      event,
      answer: await mi.request('event_subscribe', { event, socket, expire: seconds }, patience),
    })),
  );
  return answers.find(({ answer }) => !('result' in answer));
}

/**
 * What is read of `subscribers_list`. Others subscribe too, some without socket (the script's own) and, by
 * version, without `ttl`: their entries must not make ours unreadable.
 */
const Listing = z.object({
  Events: z.array(
    z.object({
      name: z.string(),
      Subscribers: z.array(
        z.object({ socket: z.unknown().optional(), ttl: z.union([z.number(), z.string()]).optional() }),
      ),
    }),
  ),
});

/** Do all our subscriptions stand, by the result of `subscribers_list`? Undefined: it cannot be read. */
export function standing(result: unknown, events: Address): boolean | undefined {
  const listing = Listing.safeParse(result);
  if (!listing.success) return undefined;
  const socket = subscriber(events);
  return EVENT_NAMES.every((name) =>
    listing.data.Events.some(
      (event) =>
        event.name === name &&
        event.Subscribers.some(
          ({ socket: theirs, ttl }) => theirs === socket && (typeof ttl !== 'number' || ttl > 0),
        ),
    ),
  );
}
