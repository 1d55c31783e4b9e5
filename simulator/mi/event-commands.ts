/** The MI commands of the event interface (trace `about`), measured on OpenSIPS 3.6.8. @module */
import type { OpenSips } from '../opensips/opensips.ts';
import {
  EVENT_NAMES,
  type EventName,
  SCRIPT_EVENT_NAMES,
  type Subscriber,
} from '../opensips/subscriptions.ts';
import { integerParam, invalidParams, type MiCommand, MiError, type Params, stringParam } from './command.ts';

export const EVENT_COMMANDS: Readonly<Record<string, MiCommand>> = {
  events_list: {
    recipes: [[]],
    run: (opensips) => ({ Events: publishedEvents(opensips).map((name, id) => ({ name, id })) }),
  },
  event_subscribe: {
    recipes: [
      ['event', 'socket'],
      ['event', 'socket', 'expire'],
    ],
    run: subscribe,
  },
  subscribers_list: { recipes: [[], ['event']], run: listSubscribers },
  raise_event: { recipes: [['event'], ['event', 'params']], run: raiseEvent },
};

/** The lifetime of a subscription without `expire`. */
const DEFAULT_EXPIRE_SECONDS = 3_600;

/** Returns the events that this OpenSIPS has; the index is the event's id. */
const publishedEvents = ({ raisesScriptEvents }: OpenSips): readonly EventName[] =>
  raisesScriptEvents ? [...EVENT_NAMES, ...SCRIPT_EVENT_NAMES] : EVENT_NAMES;

const findEvent = (opensips: OpenSips, params: Params): EventName | undefined => {
  const requested = stringParam(params, 'event');
  return publishedEvents(opensips).find((name) => name === requested);
};

function subscribe(opensips: OpenSips, params: Params): unknown {
  const event = findEvent(opensips, params);
  const expireSeconds = 'expire' in params ? integerParam(params, 'expire') : DEFAULT_EXPIRE_SECONDS;
  if (expireSeconds < 0) throw invalidParams('Negative expire value');
  const socket = stringParam(params, 'socket');
  if (event === undefined || !opensips.subscriptions.subscribe(event, socket, expireSeconds)) {
    throw new MiError(400, 'Bad parameter value');
  }
  return 'OK';
}

function listSubscribers(opensips: OpenSips, params: Params): unknown {
  const list = publishedEvents(opensips)
    .map((name, id) => ({
      name,
      id,
      Subscribers: opensips.subscriptions.subscribersOf(name).map(describeSubscriber),
    }))
    .filter(({ Subscribers }) => Subscribers.length > 0);
  if (!('event' in params)) return { Events: list };
  const event = findEvent(opensips, params);
  if (event === undefined) throw new MiError(404, 'Event not published');
  return { Event: list.find(({ name }) => name === event) ?? {} };
}

const describeSubscriber = ({ socket, expireSeconds, expiresAt }: Subscriber) => ({
  socket,
  expire: expireSeconds,
  ttl: Math.ceil((expiresAt - Date.now()) / 1_000),
});

/** Sends an event with the parameters of the request, unchanged. */
function raiseEvent(opensips: OpenSips, params: Params): unknown {
  const event = findEvent(opensips, params);
  if (event === undefined) throw new MiError(404, 'Event not registered');
  if (opensips.subscriptions.subscribersOf(event).length === 0)
    throw new MiError(480, 'Temporarily Unavailable');
  opensips.raiseEvent(event, parseEventParams(params['params']));
  return 'OK';
}

/** Accepts an array, an object, or either of them as JSON text. */
function parseEventParams(params: unknown): unknown {
  if (typeof params !== 'string') return params ?? {};
  try {
    return JSON.parse(params);
  } catch {
    throw new MiError(400, 'Bad Params');
  }
}
