/** Many commands at once on one socket: each gets exactly its own events, and each MI request is sent once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, callidOf, events, phone, type Told } from './stack/client.ts';
import { type Stack, startStack } from './stack/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.client();
});
afterAll(() => stack[Symbol.asyncDispose]());

const COMMANDS = 1_000;
const IN_FLIGHT = 64;

/** Each kind's events in order, as a pattern over their names. */
const order: Record<string, RegExp> = {
  CallStart:
    /^CallerRinging CallerAnswered Transferring TransferStart (TransferPending )*CalleeAnswered Ended$/,
  CallHold: /^CallHolding CallHoldStart CallHoldStart CallHoldSuccessful CallHoldSuccessful Ended$/,
  CallUnhold:
    /^CallUnholding CallUnholdStart CallUnholdStart CallUnholdSuccessful CallUnholdSuccessful Ended$/,
  CallBlindTransfer: /^Transferring TransferStart (TransferPending )*TransferSuccessful Ended$/,
  CallEnd: /^Ended$/,
  Echo: /^Reply Ended$/,
};

it(`${COMMANDS} commands of mixed kinds, ${IN_FLIGHT} in flight`, { timeout: 120_000 }, async () => {
  let started = 0;
  const done: { method: string; told: Told[] }[] = [];
  const run = async (method: string, params: object): Promise<Told[]> => {
    started++;
    const told = await client.toEnd(method, params);
    done.push({ method, told });
    return told;
  };
  /** One call's life: six commands, each of which needs the one before. */
  const life = async (n: number): Promise<void> => {
    const [caller, callee] = [
      phone(n % 2 ? `alice.${n}` : `keep.${n}`),
      phone(n % 3 ? `bob.${n}` : `keep.b${n}`),
    ];
    const callid = callidOf(await run('CallStart', { caller, callee }), 'CalleeAnswered');
    await run('CallHold', { callid });
    await run('CallUnhold', { callid });
    const moved = await run('CallBlindTransfer', { callid, leg: 'callee', destination: phone(`keep.c${n}`) });
    await run('CallEnd', { callid: callidOf(moved, 'TransferSuccessful') });
    const [reply] = await run('Echo', { n });
    expect(reply?.data).toEqual({ n });
  };
  const worker = async (lane: number): Promise<void> => {
    for (let n = lane; started < COMMANDS; n += IN_FLIGHT) await life(n);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, lane) => worker(lane)));

  expect(done.length).toBeGreaterThanOrEqual(COMMANDS);
  for (const { method, told } of done) {
    expect(events(told).join(' ')).toMatch(order[method] ?? /never/);
    expect(told.filter(({ event }) => event === 'Ended')).toHaveLength(1);
  }
  const seqs = client.all.map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);

  const { requests, dialogs } = stack.simulator.ledger;
  const count = (name: string) => requests.filter(({ method }) => method === name).length;
  const commands = (name: string) => done.filter(({ method }) => method === name).length;
  expect(count('t_uac_dlg')).toBe(commands('CallStart'));
  expect(count('call_transfer')).toBe(commands('CallStart') + commands('CallBlindTransfer'));
  expect(count('call_hold')).toBe(commands('CallHold'));
  expect(count('call_unhold')).toBe(commands('CallUnhold'));
  expect(requests.every(({ id }) => stack.simulator.ledger.timesSeen(String(id)) === 1)).toBe(true);
  expect(dialogs.filter(({ state }) => state < 5)).toEqual([]);
  await expect.poll(async () => (await stack.health()).running).toBe(0);
});
