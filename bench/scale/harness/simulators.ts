/** A forked script that runs many OpenSIPS simulators in one process, without artificial delays. @module */
import { type Simulator, startSimulator } from '../../../simulator/index.ts';

/** Starts `count` more simulators. The response is an array of their MI addresses. */
export interface StartSimulatorsRequest {
  readonly count: number;
}

/** How long a phone rings. No measurement takes an hour. */
const RINGING_MS = 3_600_000;

process.on('message', async ({ count }: StartSimulatorsRequest) => {
  const simulators: Simulator[] = await Promise.all(
    Array.from({ length: count }, () =>
      startSimulator({ delayFactor: 0, keepLedger: false, timers: { frInvTimeoutMs: RINGING_MS } }),
    ),
  );
  process.send?.(simulators.map(({ mi }) => `${mi.host}:${mi.port}`));
});
process.on('disconnect', () => process.exit());
