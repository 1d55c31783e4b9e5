/** The object may hibernate between any two steps of a command, and clients do not notice. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { type Scenario, ScriptedAdapter } from '../testing/adapter.ts';
import { scenarios } from '../testing/scenarios.ts';
import { openSocket } from '../testing/sockets.ts';

interface Notification {
  readonly event: string;
  readonly data: unknown;
}

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

const COMMANDS: [scenario: keyof typeof scenarios, method: string, params: object, events: string[]][] = [
  [
    'startOk',
    'CallStart',
    URIS,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  [
    'startOkLegKept',
    'CallStart',
    URIS,
    [
      'CallerRinging',
      'CallerAnswered',
      'Transferring',
      'TransferStart',
      'TransferPending',
      'CalleeAnswered',
      'Ended',
    ],
  ],
  [
    'startUnacknowledged',
    'CallStart',
    URIS,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  [
    'startUnmatched',
    'CallStart',
    URIS,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  ['callerBusy', 'CallStart', URIS, ['Error', 'Ended']],
  [
    'calleeBusy',
    'CallStart',
    URIS,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'Error', 'Ended'],
  ],
  [
    'holdBoth',
    'CallHold',
    { callid: 'c1' },
    ['CallHolding', 'CallHoldStart', 'CallHoldStart', 'CallHoldSuccessful', 'CallHoldSuccessful', 'Ended'],
  ],
  ['holdOne', 'CallHold', { callid: 'c1' }, ['CallHolding', 'CallHoldStart', 'CallHoldSuccessful', 'Ended']],
  [
    'unhold',
    'CallUnhold',
    { callid: 'c1' },
    [
      'CallUnholding',
      'CallUnholdStart',
      'CallUnholdStart',
      'CallUnholdSuccessful',
      'CallUnholdSuccessful',
      'Ended',
    ],
  ],
  [
    'transferOk',
    'CallBlindTransfer',
    { callid: 'c1', leg: 'callee', destination: 'sip:carol@127.0.0.1' },
    ['Transferring', 'TransferStart', 'TransferPending', 'TransferSuccessful', 'Ended'],
  ],
  [
    'transferOk',
    'CallAttendedTransfer',
    { callidA: 'c1', legA: 'callee', callidB: 'c2', legB: 'callee' },
    ['Transferring', 'TransferStart', 'TransferPending', 'TransferSuccessful', 'Ended'],
  ],
  [
    'transferPending',
    'CallBlindTransfer',
    { callid: 'c1', leg: 'caller', destination: 'sip:carol@127.0.0.1' },
    ['Error', 'Ended'],
  ],
  ['endOk', 'CallEnd', { callid: 'c1' }, ['Ended']],
  ['endNotFound', 'CallEnd', { callid: 'never-was' }, ['Error', 'Ended']],
];

it.each(COMMANDS)(
  'sends the same notifications with hibernations as without: %s, %s',
  async (name, method, params, events) => {
    const expected = await runCommand(scenarios[name], method, params, async () => {});
    const hibernated = await runCommand(scenarios[name], method, params, hibernate);
    expect(expected.map(({ event }) => event)).toEqual(events);
    expect(hibernated).toEqual(expected);
  },
);

/** Makes the object hibernate, unless it does already. Its sockets stay open. */
async function hibernate(): Promise<void> {
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  await evictDurableObject(object).catch((error: Error) => {
    if (!error.message.includes('not currently running')) throw error;
  });
}

/** Runs a command against a scenario, and awaits `betweenFrames` between any two frames. Returns the notifications. */
async function runCommand(
  scenario: Scenario,
  method: string,
  params: object,
  betweenFrames: () => Promise<void>,
): Promise<Notification[]> {
  const adapter = await ScriptedAdapter.connect(scenario);
  adapter.beforeSend = betweenFrames;
  const client = await openSocket('/call-api');
  client.send(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }));
  expect(await client.next()).toMatchObject({ id: 7, result: { event: 'Started' } });
  const notifications: Notification[] = [];
  while (notifications.at(-1)?.event !== 'Ended') {
    await betweenFrames();
    const { event, data } = (await client.next<{ params: Notification }>()).params;
    notifications.push({ event, data });
  }
  client.close();
  adapter.close();
  return notifications;
}
