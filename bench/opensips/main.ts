/**
 * Measures a CallStart against a real OpenSIPS, one in flight, from the request to `Ended`. In alternation it measures
 * OpenSIPS's own share of it: the same call, made directly over MI by a bare UDP client.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clickToDial } from '../../simulator/testing/click-to-dial.ts';
import { TestClient } from '../../simulator/testing/test-client.ts';
import { type Client, callidOf, phoneUri } from '../../test/harness/client.ts';
import { startStack } from '../../test/harness/stack.ts';
import type { MiAddress } from '../mi-client.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';

/** Rounds that are not counted, because they compile code and open sockets. */
const WARM_UP_ROUNDS = 5;

/** The user parts of the phones' addresses. */
interface Phones {
  readonly caller: string;
  readonly callee: string;
}

/** `--opensips HOST:PORT [--caller USER --callee USER] [--rounds 50]` */
export async function main(args: string[]): Promise<void> {
  const { values: options } = parseArgs({
    args,
    options: {
      opensips: { type: 'string', default: '' },
      caller: { type: 'string', default: 'alice' },
      callee: { type: 'string', default: 'bob' },
      rounds: { type: 'string', default: '50' },
    },
  });
  const [, host, port] = /^([^\s:]+):(\d{1,5})$/.exec(options.opensips) ?? [];
  if (host === undefined) throw new Error(`--opensips must be HOST:PORT, not ${options.opensips}`);
  const mi = { host, port: Number(port) };
  await using stack = await startStack({ startsAdapter: false });
  await stack.startAdapter({ OPENSIPS_MI: options.opensips, LOG_LEVEL: 'warn' });
  await stack.waitForLink(true);
  const client = await stack.connectClient();

  const throughEdgeMs: number[] = [];
  const directMs: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < Number(options.rounds); round++) {
    const throughEdge = await callThroughEdge(client, options);
    const direct = await callDirectly(mi, options);
    if (round < 0) continue;
    throughEdgeMs.push(throughEdge);
    directMs.push(direct);
  }
  const differencesMs = throughEdgeMs.map((ms, round) => ms - (directMs[round] ?? Number.NaN));
  const rows: [string, number[]][] = [
    ['through the edge, from request to Ended', throughEdgeMs],
    ["OpenSIPS's own share, from MI request to ok", directMs],
    ['difference of each round', differencesMs],
  ];
  const cells = (values: number[]) =>
    [median(values), quantile(values, 0.9), Math.min(...values), Math.max(...values)].map((ms) =>
      ms.toFixed(1),
    );
  process.stdout.write(`CallStart, ${options.rounds} rounds, one in flight, milliseconds\n\n`);
  process.stdout.write(
    table(
      ['', 'median', 'p90', 'min', 'max'],
      rows.map(([name, values]) => [name, ...cells(values)]),
    ),
  );
}

/** Makes a call as a client does, and ends it. Returns the milliseconds from the request to `Ended`. */
async function callThroughEdge(client: Client, { caller, callee }: Phones): Promise<number> {
  const start = performance.now();
  const notifications = await client.runToEnd('CallStart', {
    caller: phoneUri(caller),
    callee: phoneUri(callee),
  });
  const durationMs = performance.now() - start;
  await client.runToEnd('CallEnd', { callid: callidOf(notifications, 'CalleeAnswered') });
  return durationMs;
}

/** Makes the same call with a bare UDP client, and ends it. Returns the milliseconds from `t_uac_dlg` to `ok`. */
async function callDirectly(mi: MiAddress, { caller, callee }: Phones): Promise<number> {
  const testClient = await TestClient.open(mi);
  try {
    await testClient.subscribe();
    const callid = randomUUID();
    const start = performance.now();
    const transferEvent = await clickToDial(testClient, callid, caller, callee);
    const durationMs = performance.now() - start;
    for (const dialogId of [callid, Object(transferEvent).transfer_callid])
      await testClient.request('dlg_end_dlg', { dialog_id: dialogId });
    return durationMs;
  } finally {
    await testClient.close();
  }
}
