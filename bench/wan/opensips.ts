/** A forked script: an OpenSIPS simulator with the delays of a real one, and calls that no command makes. @module */
import { type Simulator, startSimulator } from '../../simulator/index.ts';

/** `start` answers with the address of MI; `load` places calls of others, and answers with their number once all have ended. */
export type OpenSipsRequest =
  | { readonly type: 'start' }
  | { readonly type: 'load'; readonly perSecond: number; readonly seconds: number };

/** How long a call of others lasts once it is answered. */
const CALL_MS = 1_000;

let simulator: Simulator | undefined;

process.on('message', async (request: OpenSipsRequest) => {
  if (request.type === 'start') {
    simulator = await startSimulator({ scriptEvents: true, keepLedger: false });
    process.send?.(`${simulator.mi.host}:${simulator.mi.port}`);
  } else if (simulator) process.send?.(await placeCalls(simulator, request));
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
