/** The event interface's commands (README, EVI point 1; trace `about`). */
import type { Opensips } from '../opensips.ts';
import { EVENTS, isEvent, type Subscriber } from '../subscriptions.ts';
import { type Command, invalidParams, MiError, type Params, text, wholeNumber } from './command.ts';

export const EVI: Readonly<Record<string, Command>> = {
  events_list: { recipes: [[]], run: () => ({ Events: EVENTS.map((name, id) => ({ name, id })) }) },
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

/** Seconds, where the request names none (README, EVI point 1). */
const DEFAULT_EXPIRE = 3_600;

function subscribe({ subscriptions }: Opensips, params: Params): unknown {
  const event = text(params, 'event');
  const expire = 'expire' in params ? wholeNumber(params, 'expire') : DEFAULT_EXPIRE;
  if (expire < 0) throw invalidParams('Negative expire value');
  if (!isEvent(event) || !subscriptions.set(event, text(params, 'socket'), expire)) {
    throw new MiError(400, 'Bad parameter value');
  }
  return 'OK';
}

function listSubscribers({ subscriptions }: Opensips, params: Params): unknown {
  const list = EVENTS.map((name, id) => ({
    name,
    id,
    Subscribers: subscriptions.of(name).map(shown),
  })).filter(({ Subscribers }) => Subscribers.length > 0);
  if (!('event' in params)) return { Events: list };
  const event = text(params, 'event');
  if (!isEvent(event)) throw new MiError(404, 'Event not published');
  return { Event: list.find(({ name }) => name === event) ?? {} };
}

const shown = ({ socket, expire, until }: Subscriber) => ({
  socket,
  expire,
  ttl: Math.ceil((until - Date.now()) / 1_000),
});

/** Sends an event of the caller's making, with the parameters as they are. */
function raiseEvent({ subscriptions, raise }: Opensips, params: Params): unknown {
  const event = text(params, 'event');
  if (!isEvent(event)) throw new MiError(404, 'Event not registered');
  if (subscriptions.of(event).length === 0) throw new MiError(480, 'Temporarily Unavailable');
  raise(event, eventParams(params['params']));
  return 'OK';
}

/** An array, an object, or either of them as JSON text. */
function eventParams(given: unknown): unknown {
  if (typeof given !== 'string') return given ?? {};
  try {
    return JSON.parse(given);
  } catch {
    throw new MiError(400, 'Bad Params');
  }
}
