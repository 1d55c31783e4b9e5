/** Does what a client was told of a command keep the order that docs/protocol.md promises? @module */
import type { Told } from '../stack/client.ts';

const TRANSFER = ['Transferring', 'TransferStart', 'TransferPending*', 'TransferSuccessful'];

/** Each method's events; one with a star may come any number of times, and any may be missing where it fails. */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  CallStart: [
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending*',
    'CalleeAnswered',
  ],
  CallBlindTransfer: TRANSFER,
  CallAttendedTransfer: TRANSFER,
  CallHold: ['CallHolding', 'CallHoldStart*', 'CallHoldSuccessful*', 'CallHoldFailed*'],
  CallUnhold: ['CallUnholding', 'CallUnholdStart*', 'CallUnholdSuccessful*', 'CallUnholdFailed*'],
  CallEnd: [],
  Echo: ['Reply'],
};

/** What may be missing though a command succeeds. */
const OPTIONAL = ['CallerRinging'];

/** Says what is wrong, if anything. */
export function disorder(method: string, told: readonly Told[]): string | undefined {
  const names = told.map(({ event }) => event);
  const list = names.join(' ');
  const ends = names.filter((name) => name === 'Ended').length;
  if (ends !== 1) return `${ends} times Ended: ${list}`;
  if (names.at(-1) !== 'Ended') return `something came after Ended: ${list}`;
  const failed = names.at(-2) === 'Error';
  if (names.filter((name) => name === 'Error').length !== (failed ? 1 : 0)) return `a stray Error: ${list}`;
  const body = told.slice(0, failed ? -2 : -1);
  return method.endsWith('old') ? holdDisorder(method, body) : sequenceDisorder(method, body, failed);
}

function sequenceDisorder(method: string, body: readonly Told[], failed: boolean): string | undefined {
  const order = ORDER[method] ?? [];
  const list = body.map(({ event }) => event).join(' ');
  const steps = order.map((step) => step.replace('*', ''));
  let reached = -1;
  for (const { event } of body) {
    const at = steps.indexOf(event);
    const again = at === reached && order[at]?.endsWith('*');
    if (at < 0 || (at <= reached && !again)) return `out of order: ${list}`;
    const skipped = order
      .slice(reached + 1, at)
      .filter((step) => !step.endsWith('*') && !OPTIONAL.includes(step));
    if (skipped.length > 0) return `${skipped.join(' and ')} not told: ${list}`;
    reached = at;
  }
  const last = steps.at(-1);
  return failed || last === undefined || steps[reached] === last
    ? undefined
    : `neither ${last} nor Error: ${list}`;
}

/** Each leg starts and then ends; the two may interleave. */
function holdDisorder(method: string, [first, ...rest]: readonly Told[]): string | undefined {
  if (first === undefined) return undefined;
  if (first.event !== `${method}ing`) return `begins with ${first.event}`;
  const legs = new Map<unknown, string>();
  for (const { event, data } of rest) {
    const leg = typeof data === 'object' && data !== null && 'leg' in data ? data.leg : undefined;
    const before = legs.get(leg);
    const right = event === `${method}Start` ? before === undefined : before === `${method}Start`;
    if (!right) return `${event} of the ${String(leg)} after ${before ?? 'nothing'}`;
    legs.set(leg, event);
  }
  return undefined;
}
