/** Checks that the notifications of a command have the order that docs/protocol.md guarantees. @module */
import type { Notification } from '../../harness/client.ts';

const TRANSFER_ORDER = ['Transferring', 'TransferStart', 'TransferPending*', 'TransferSuccessful'];

/** The events of each method. Those with a star may occur any number of times; a command that fails may lack some. */
const ORDER_BY_METHOD: Readonly<Record<string, readonly string[]>> = {
  CallStart: [
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending*',
    'CalleeAnswered',
  ],
  CallBlindTransfer: TRANSFER_ORDER,
  CallAttendedTransfer: TRANSFER_ORDER,
  CallHold: ['CallHolding', 'CallHoldStart*', 'CallHoldSuccessful*', 'CallHoldFailed*'],
  CallUnhold: ['CallUnholding', 'CallUnholdStart*', 'CallUnholdSuccessful*', 'CallUnholdFailed*'],
  CallEnd: [],
};

/** Events that a successful command may lack. */
const OPTIONAL_EVENTS = ['CallerRinging'];

/** Returns a description of what is wrong, or undefined. */
export function checkEventOrder(method: string, notifications: readonly Notification[]): string | undefined {
  const names = notifications.map(({ event }) => event);
  const list = names.join(' ');
  const endedCount = names.filter((name) => name === 'Ended').length;
  if (endedCount !== 1) return `${endedCount} times Ended: ${list}`;
  if (names.at(-1) !== 'Ended') return `an event after Ended: ${list}`;
  const hasFailed = names.at(-2) === 'Error';
  if (names.filter((name) => name === 'Error').length !== (hasFailed ? 1 : 0))
    return `an Error that is not second to last: ${list}`;
  const body = notifications.slice(0, hasFailed ? -2 : -1);
  return method.endsWith('old') ? checkHoldOrder(method, body) : checkSequence(method, body, hasFailed);
}

function checkSequence(
  method: string,
  body: readonly Notification[],
  hasFailed: boolean,
): string | undefined {
  const order = ORDER_BY_METHOD[method] ?? [];
  const list = body.map(({ event }) => event).join(' ');
  const steps = order.map((step) => step.replace('*', ''));
  let position = -1;
  for (const { event } of body) {
    const next = steps.indexOf(event);
    const isRepetition = next === position && order[next]?.endsWith('*');
    if (next < 0 || (next <= position && !isRepetition)) return `out of order: ${list}`;
    const missing = order
      .slice(position + 1, next)
      .filter((step) => !step.endsWith('*') && !OPTIONAL_EVENTS.includes(step));
    if (missing.length > 0) return `${missing.join(' and ')} missing: ${list}`;
    position = next;
  }
  const lastStep = steps.at(-1);
  return hasFailed || lastStep === undefined || steps[position] === lastStep
    ? undefined
    : `neither ${lastStep} nor Error: ${list}`;
}

/** Each leg starts and then ends. The events of the two legs may interleave. */
function checkHoldOrder(method: string, [first, ...rest]: readonly Notification[]): string | undefined {
  if (first === undefined) return undefined;
  if (first.event !== `${method}ing`) return `begins with ${first.event}`;
  const lastEventByLeg = new Map<unknown, string>();
  for (const { event, data } of rest) {
    const leg = typeof data === 'object' && data !== null && 'leg' in data ? data.leg : undefined;
    const previous = lastEventByLeg.get(leg);
    const isInOrder = event === `${method}Start` ? previous === undefined : previous === `${method}Start`;
    if (!isInOrder) return `${event} of the ${String(leg)} after ${previous ?? 'nothing'}`;
    lastEventByLeg.set(leg, event);
  }
  return undefined;
}
