/** The object may be put to sleep between any two steps of a command, and nobody notices. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { type Scenario, ScriptedAdapter } from './testing/adapter.ts';
import { scenarios } from './testing/scenarios.ts';
import { open } from './testing/sockets.ts';

interface Told {
  readonly event: string;
  readonly data: unknown;
}

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

const rows: [name: keyof typeof scenarios, method: string, params: object, events: string[]][] = [
  [
    'startOk',
    'CallStart',
    uris,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  [
    'startOkLegKept',
    'CallStart',
    uris,
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
    uris,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  [
    'startUnmatched',
    'CallStart',
    uris,
    ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'],
  ],
  ['callerBusy', 'CallStart', uris, ['Error', 'Ended']],
  [
    'calleeBusy',
    'CallStart',
    uris,
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
  ['endNotFound', 'CallEnd', { callid: 'c1' }, ['Error', 'Ended']],
];

it.each(rows)('%s: %s', async (name, method, params, events) => {
  const awake = await play(scenarios[name], method, params, async () => {});
  const asleep = await play(scenarios[name], method, params, sleep);
  expect(awake.map(({ event }) => event)).toEqual(events);
  expect(asleep).toEqual(awake);
});

/** Puts the object to sleep, unless it sleeps already; its sockets stay. */
async function sleep(): Promise<void> {
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  await evictDurableObject(object).catch((error: Error) => {
    if (!error.message.includes('not currently running')) throw error;
  });
}

/** Runs one command against a scenario, with something done between any two frames. */
async function play(
  scenario: Scenario,
  method: string,
  params: object,
  between: () => Promise<void>,
): Promise<Told[]> {
  const adapter = await ScriptedAdapter.connect(scenario);
  adapter.between = between;
  const client = await open('/call-api');
  client.send(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }));
  expect(await client.next()).toMatchObject({ id: 7, result: { event: 'Started' } });
  const told: Told[] = [];
  while (told.at(-1)?.event !== 'Ended') {
    await between();
    const { event, data } = (await client.next<{ params: Told }>()).params;
    told.push({ event, data });
  }
  client.close();
  adapter.close();
  return told;
}
