/**
 * CallStart at one in flight, from the request to `Ended`, beside OpenSIPS's own share of it: the same call made
 * straight over MI by a bare UDP client. The two take turns in one run.
 *
 *     npm run bench -- [--rounds 50] [--opensips HOST:PORT --caller USER --callee USER]
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clickToDial } from '../simulator/testing/click-to-dial.ts';
import { Peer } from '../simulator/testing/peer.ts';
import { callidOf, phone } from '../test/stack/client.ts';
import { startStack } from '../test/stack/stack.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    opensips: { type: 'string' },
    caller: { type: 'string', default: 'alice' },
    callee: { type: 'string', default: 'bob' },
  },
});
/** Rounds that are not counted: until then code is compiled and sockets are opened. */
const WARM_UP = 5;

await using stack = await startStack({ adapter: false });
const [host = '127.0.0.1', port = ''] = flags.opensips?.split(':') ?? [];
const mi = flags.opensips ? { host, port: Number(port) } : stack.simulator.mi;
await stack.startAdapter({ OPENSIPS_MI: `${mi.host}:${mi.port}`, LOG_LEVEL: 'warn' });
await stack.linked(true);
const client = await stack.client();

const whole: number[] = [];
const share: number[] = [];
for (let round = -WARM_UP; round < Number(flags.rounds); round++) {
  const edge = await throughTheEdge();
  const bare = await straight();
  if (round < 0) continue;
  whole.push(edge);
  share.push(bare);
}
const rows: [string, number[]][] = [
  ['through the edge, request to Ended', whole],
  ["OpenSIPS's own share, MI to ok", share],
  ['difference, round by round', whole.map((ms, round) => ms - (share[round] ?? 0))],
];
print(
  `CallStart, ${flags.rounds} rounds, one in flight, ${flags.opensips ? 'real OpenSIPS and phones' : 'simulator'}\n`,
);
print(
  `${'milliseconds'.padEnd(40)} ${['median', 'p90', 'min', 'max'].map((name) => name.padStart(8)).join('')}\n`,
);
for (const [name, values] of rows) {
  const figures = [quantile(values, 0.5), quantile(values, 0.9), Math.min(...values), Math.max(...values)];
  print(`${name.padEnd(40)} ${figures.map((ms) => ms.toFixed(1).padStart(8)).join('')}\n`);
}

/** Makes a call as a client does, and ends it. Milliseconds from the request to `Ended`. */
async function throughTheEdge(): Promise<number> {
  const start = performance.now();
  const told = await client.toEnd('CallStart', { caller: phone(flags.caller), callee: phone(flags.callee) });
  const took = performance.now() - start;
  await client.toEnd('CallEnd', { callid: callidOf(told, 'CalleeAnswered') });
  return took;
}

/** Makes the same call with a bare UDP client, and ends it. Milliseconds from `t_uac_dlg` to `ok`. */
async function straight(): Promise<number> {
  const peer = await Peer.open(mi);
  await peer.subscribe();
  const callid = randomUUID();
  const start = performance.now();
  const last = await clickToDial(peer, callid, flags.caller, flags.callee);
  const took = performance.now() - start;
  for (const each of [callid, Object(last).transfer_callid])
    await peer.ask('dlg_end_dlg', { dialog_id: each });
  await peer.close();
  return took;
}

function quantile(values: readonly number[], q: number): number {
  return (
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ??
    Number.NaN
  );
}

function print(line: string): void {
  process.stdout.write(line);
}
