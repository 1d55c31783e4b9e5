/**
 * CallStart against a real OpenSIPS, at one in flight, from the request to `Ended`; beside OpenSIPS's own share of it:
 * the same call made straight over MI by a bare UDP client. The two take turns in one run.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clickToDial } from '../../simulator/testing/click-to-dial.ts';
import { Peer } from '../../simulator/testing/peer.ts';
import { type Client, callidOf, phone } from '../../test/stack/client.ts';
import { startStack } from '../../test/stack/stack.ts';
import type { MiAddress } from '../mi.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';

/** Rounds that are not counted: until then code is compiled and sockets are opened. */
const WARM_UP = 5;

/** Who calls whom, by the user parts of their addresses. */
interface Phones {
  readonly caller: string;
  readonly callee: string;
}

/** `--opensips HOST:PORT [--caller USER --callee USER] [--rounds 50]` */
export async function main(args: string[]): Promise<void> {
  const { values: flags } = parseArgs({
    args,
    options: {
      opensips: { type: 'string', default: '' },
      caller: { type: 'string', default: 'alice' },
      callee: { type: 'string', default: 'bob' },
      rounds: { type: 'string', default: '50' },
    },
  });
  const [, host, port] = /^([^\s:]+):(\d{1,5})$/.exec(flags.opensips) ?? [];
  if (host === undefined) throw new Error(`--opensips must be HOST:PORT, not ${flags.opensips}`);
  const mi = { host, port: Number(port) };
  await using stack = await startStack({ adapter: false });
  await stack.startAdapter({ OPENSIPS_MI: flags.opensips, LOG_LEVEL: 'warn' });
  await stack.linked(true);
  const client = await stack.client();

  const whole: number[] = [];
  const share: number[] = [];
  for (let round = -WARM_UP; round < Number(flags.rounds); round++) {
    const edge = await throughTheEdge(client, flags);
    const bare = await straight(mi, flags);
    if (round < 0) continue;
    whole.push(edge);
    share.push(bare);
  }
  const rows: [string, number[]][] = [
    ['through the edge, request to Ended', whole],
    ["OpenSIPS's own share, MI to ok", share],
    ['difference, round by round', whole.map((ms, round) => ms - (share[round] ?? Number.NaN))],
  ];
  const figures = (values: number[]) =>
    [median(values), quantile(values, 0.9), Math.min(...values), Math.max(...values)].map((ms) =>
      ms.toFixed(1),
    );
  process.stdout.write(`CallStart, ${flags.rounds} rounds, one in flight, milliseconds\n\n`);
  process.stdout.write(
    table(
      ['', 'median', 'p90', 'min', 'max'],
      rows.map(([name, values]) => [name, ...figures(values)]),
    ),
  );
}

/** Makes a call as a client does, and ends it. Milliseconds from the request to `Ended`. */
async function throughTheEdge(client: Client, { caller, callee }: Phones): Promise<number> {
  const start = performance.now();
  const told = await client.toEnd('CallStart', { caller: phone(caller), callee: phone(callee) });
  const took = performance.now() - start;
  await client.toEnd('CallEnd', { callid: callidOf(told, 'CalleeAnswered') });
  return took;
}

/** Makes the same call with a bare UDP client, and ends it. Milliseconds from `t_uac_dlg` to `ok`. */
async function straight(mi: MiAddress, { caller, callee }: Phones): Promise<number> {
  const peer = await Peer.open(mi);
  try {
    await peer.subscribe();
    const callid = randomUUID();
    const start = performance.now();
    const last = await clickToDial(peer, callid, caller, callee);
    const took = performance.now() - start;
    for (const each of [callid, Object(last).transfer_callid])
      await peer.ask('dlg_end_dlg', { dialog_id: each });
    return took;
  } finally {
    await peer.close();
  }
}
