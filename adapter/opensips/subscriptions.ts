/**
 * Event subscriptions at OpenSIPS: created, renewed and ended with `event_subscribe`, listed with `subscribers_list`.
 * They expire after some seconds, and a restart of OpenSIPS removes them.
 * @module
 */
import * as z from 'zod';
import { EVENT_NAMES, SCRIPT_EVENT_NAMES } from '../../shared/opensips/evi.ts';
import type { Address } from '../settings.ts';
import type { MiClient } from './mi-client.ts';
import type { MiResponse } from './mi-message.ts';
import type { RequestTimeouts } from './request-timeouts.ts';

/** Returns OpenSIPS's name for the socket that receives events. */
export function subscriberSocket({ host, port }: Address): string {
  return `udp:${host}:${port}`;
}

/**
 * Subscribes to events, or renews the subscriptions. Returns undefined on success, or else the response for the first event
 * that failed.
 * @param seconds lifetime of the subscriptions; 0 ends them
 * @param events by default those without which the Call API does not work
 */
export async function subscribe(
  mi: MiClient,
  eventAddress: Address,
  seconds: number,
  timeouts: RequestTimeouts,
  events: readonly string[] = EVENT_NAMES,
): Promise<{ readonly event: string; readonly response: MiResponse } | undefined> {
  const socket = subscriberSocket(eventAddress);
  const responses = await Promise.all(
    events.map(async (event) => ({
      event,
      response: await mi.request('event_subscribe', { event, socket, expire: seconds }, timeouts),
    })),
  );
  return responses.find(({ response }) => !('result' in response));
}

const EventsListResult = z.object({ Events: z.array(z.object({ name: z.string() })) });

/**
 * Returns the optional events that this OpenSIPS has. It is asked for its list, because a subscription to an event that it
 * does not have is an error in its log.
 */
export async function findScriptEvents(mi: MiClient, timeouts: RequestTimeouts): Promise<string[]> {
  const response = await mi.request('events_list', {}, timeouts);
  const list = EventsListResult.safeParse('result' in response ? response.result : undefined);
  const names = new Set(list.data?.Events.map(({ name }) => name));
  return SCRIPT_EVENT_NAMES.filter((name) => names.has(name));
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

/** Returns whether the result of `subscribers_list` has an active subscription to each event; undefined if unreadable. */
export function areSubscriptionsActive(
  result: unknown,
  eventAddress: Address,
  events: readonly string[] = EVENT_NAMES,
): boolean | undefined {
  const list = SubscribersListResult.safeParse(result);
  if (!list.success) return undefined;
  const ownSocket = subscriberSocket(eventAddress);
  return events.every((name) =>
    list.data.Events.some(
      (event) =>
        event.name === name &&
        event.Subscribers.some(
          ({ socket, ttl }) => socket === ownSocket && (typeof ttl !== 'number' || ttl > 0),
        ),
    ),
  );
}
