/**
 * Event subscriptions at OpenSIPS: created, renewed and ended with `event_subscribe`, listed with `subscribers_list`.
 * They expire after some seconds, and a restart of OpenSIPS removes them.
 * @module
 */
import * as z from 'zod';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import type { Address } from '../settings.ts';
import type { MiClient, RequestTimeouts } from './mi-client.ts';
import type { MiResponse } from './mi-message.ts';

/** Returns OpenSIPS's name for the socket that receives events. */
export function subscriberSocket({ host, port }: Address): string {
  return `udp:${host}:${port}`;
}

/**
 * Subscribes to every event, or renews the subscriptions. Returns undefined on success, or else the response for the
 * first event that failed.
 * @param seconds lifetime of the subscriptions; 0 ends them
 */
export async function subscribe(
  mi: MiClient,
  eventAddress: Address,
  seconds: number,
  timeouts: RequestTimeouts,
): Promise<{ readonly event: string; readonly response: MiResponse } | undefined> {
  const socket = subscriberSocket(eventAddress);
  const responses = await Promise.all(
    EVENT_NAMES.map(async (event) => ({
      event,
      response: await mi.request('event_subscribe', { event, socket, expire: seconds }, timeouts),
    })),
  );
  return responses.find(({ response }) => !('result' in response));
}

/**
 * The part of `subscribers_list` that is read. It also lists other subscribers. Some have no socket (the script's own)
 * and, depending on the version, no `ttl`: they must not make our subscriptions unreadable.
 */
const SubscribersListResult = z.object({
  Events: z.array(
    z.object({
      name: z.string(),
      Subscribers: z.array(
        z.object({ socket: z.unknown().optional(), ttl: z.union([z.number(), z.string()]).optional() }),
      ),
    }),
  ),
});

/** Returns whether the result of `subscribers_list` has an active subscription to every event; undefined if unreadable. */
export function areSubscriptionsActive(result: unknown, eventAddress: Address): boolean | undefined {
  const list = SubscribersListResult.safeParse(result);
  if (!list.success) return undefined;
  const ownSocket = subscriberSocket(eventAddress);
  return EVENT_NAMES.every((name) =>
    list.data.Events.some(
      (event) =>
        event.name === name &&
        event.Subscribers.some(
          ({ socket, ttl }) => socket === ownSocket && (typeof ttl !== 'number' || ttl > 0),
        ),
    ),
  );
}
