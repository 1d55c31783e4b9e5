/** A forked script: an OpenSIPS simulator with the delays of a real one, and calls that no command makes. @module */
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { SeededRandom } from '../../test/faults/harness/seeded-random.ts';
import { FaultLog } from '../../test/faults/injection/fault-log.ts';
import { NO_UDP_FAULTS } from '../../test/faults/injection/fault-rates.ts';
import { UdpProxy } from '../../test/faults/proxies/udp-proxy.ts';

/**
 * `start` answers with the address of MI; `load` places calls of others, and answers with their number once all have ended. `stand` places
 * calls that stand, and `hang up` ends some of them: without events if it has a proxy that loses these (`losesEvents`).
 */
export type OpenSipsRequest =
  | { readonly type: 'start'; readonly losesEvents?: boolean }
  | { readonly type: 'load'; readonly perSecond: number; readonly seconds: number }
  | { readonly type: 'stand'; readonly calls: number }
  | { readonly type: 'hang up'; readonly calls: number };

/** How long a call of others lasts once it is answered. */
const CALL_MS = 1_000;

/** So many calls are placed at a time: a second of the load that the simulator takes. */
const STANDING_AT_A_TIME = 100;

/** Events are sent at once, so that they are lost within this time. */
const LOSS_MS = 500;

let simulator: Simulator | undefined;
let proxy: UdpProxy | undefined;
const standing: string[] = [];

process.on('message', async (request: OpenSipsRequest) => {
  if (request.type === 'start') {
    simulator = await startSimulator({ scriptEvents: true, keepLedger: false });
    if (request.losesEvents)
      proxy = await UdpProxy.start(simulator.mi.port, NO_UDP_FAULTS, new SeededRandom(1), new FaultLog());
    process.send?.(`${simulator.mi.host}:${proxy?.port ?? simulator.mi.port}`);
  } else if (!simulator) throw new Error(`"${request.type}" came before "start".`);
  else if (request.type === 'load') process.send?.(await placeCalls(simulator, request));
  else if (request.type === 'stand') process.send?.(await placeStanding(simulator, request.calls));
  else process.send?.(await endUnseen(simulator, request.calls));
});
process.on('disconnect', () => process.exit());

/** Places calls at even intervals. */
async function placeCalls(
  opensips: Simulator,
  { perSecond, seconds }: Extract<OpenSipsRequest, { type: 'load' }>,
): Promise<number> {
  const calls: Promise<void>[] = [];
  const startedAt = performance.now();
  const total = perSecond * seconds;
  while (calls.length < total) {
    const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * perSecond);
    while (calls.length < due) calls.push(placeCall(opensips, calls.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(calls);
  return calls.length;
}

async function placeCall(opensips: Simulator, n: number): Promise<void> {
  const callid = await opensips.dial({ from: `carol.${n}`, to: `dave.${n}` });
  await new Promise((resolve) => setTimeout(resolve, CALL_MS));
  opensips.hangUp(callid);
}

async function placeStanding(opensips: Simulator, count: number): Promise<number> {
  while (standing.length < count) {
    const first = standing.length;
    const calls = Array.from({ length: Math.min(STANDING_AT_A_TIME, count - first) }, (_, n) =>
      opensips.dial({ from: `keep.a${first + n}`, to: `keep.b${first + n}` }),
    );
    standing.push(...(await Promise.all(calls)));
  }
  return standing.length;
}

/** Ends calls without an event that says so. */
async function endUnseen(opensips: Simulator, count: number): Promise<number> {
  if (proxy) proxy.faultRates = { ...NO_UDP_FAULTS, event: { ...NO_UDP_FAULTS.event, drop: 1 } };
  const ended = standing.splice(0, count);
  for (const callid of ended) opensips.hangUp(callid);
  await new Promise((resolve) => setTimeout(resolve, LOSS_MS));
  if (proxy) proxy.faultRates = NO_UDP_FAULTS;
  return ended.length;
}
