/** Many concurrent commands on one socket: each gets exactly its own events, and each MI request is sent once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, callidOf, eventNames, type Notification, phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.connectClient();
});
afterAll(() => stack[Symbol.asyncDispose]());

const COMMANDS = 1_000;
const IN_FLIGHT = 64;

/** The events of each method in order, as patterns of their names. */
const eventOrder: Record<string, RegExp> = {
  CallStart:
    /^CallerRinging CallerAnswered Transferring TransferStart (TransferPending )*CalleeAnswered Ended$/,
  CallHold: /^CallHolding CallHoldStart CallHoldStart CallHoldSuccessful CallHoldSuccessful Ended$/,
  CallUnhold:
    /^CallUnholding CallUnholdStart CallUnholdStart CallUnholdSuccessful CallUnholdSuccessful Ended$/,
  CallBlindTransfer: /^Transferring TransferStart (TransferPending )*TransferSuccessful Ended$/,
  CallEnd: /^Ended$/,
  Echo: /^Reply Ended$/,
};

it(`runs ${COMMANDS} commands of all methods, ${IN_FLIGHT} at a time`, { timeout: 120_000 }, async () => {
  let started = 0;
  const results: { method: string; notifications: Notification[] }[] = [];
  const run = async (method: string, params: object): Promise<Notification[]> => {
    started++;
    const notifications = await client.runToEnd(method, params);
    results.push({ method, notifications });
    return notifications;
  };
  /** Runs six commands on a call, each of which needs the previous one. */
  const runCallLifecycle = async (n: number): Promise<void> => {
    const [caller, callee] = [
      phoneUri(n % 2 ? `alice.${n}` : `keep.${n}`),
      phoneUri(n % 3 ? `bob.${n}` : `keep.b${n}`),
    ];
    const callid = callidOf(await run('CallStart', { caller, callee }), 'CalleeAnswered');
    await run('CallHold', { callid });
    await run('CallUnhold', { callid });
    const transferred = await run('CallBlindTransfer', {
      callid,
      leg: 'callee',
      destination: phoneUri(`keep.c${n}`),
    });
    await run('CallEnd', { callid: callidOf(transferred, 'TransferSuccessful') });
    const [reply] = await run('Echo', { n });
    expect(reply?.data).toEqual({ n });
  };
  const worker = async (index: number): Promise<void> => {
    for (let n = index; started < COMMANDS; n += IN_FLIGHT) await runCallLifecycle(n);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => worker(index)));

  expect(results.length).toBeGreaterThanOrEqual(COMMANDS);
  for (const { method, notifications } of results) {
    expect(eventNames(notifications).join(' ')).toMatch(eventOrder[method] ?? /never/);
    expect(notifications.filter(({ event }) => event === 'Ended')).toHaveLength(1);
  }
  const seqs = client.notifications.flatMap(({ seq }) => seq ?? []);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);

  const { requests, dialogs } = stack.simulator.ledger;
  const requestCount = (name: string) => requests.filter(({ method }) => method === name).length;
  const commandCount = (name: string) => results.filter(({ method }) => method === name).length;
  expect(requestCount('t_uac_dlg')).toBe(commandCount('CallStart'));
  // A REFER for each transfer, and a re-INVITE to each of the two phones.
  const transfers = commandCount('CallStart') + commandCount('CallBlindTransfer');
  const holds = commandCount('CallHold') + commandCount('CallUnhold');
  expect(requestCount('dlg_send_sequential')).toBe(transfers + 2 * holds);
  expect(requests.every(({ id }) => stack.simulator.ledger.countRequests(String(id)) === 1)).toBe(true);
  expect(dialogs.filter(({ state }) => state < 5)).toEqual([]);
  await expect.poll(async () => (await stack.fetchHealth()).running).toBe(0);
});
