/** Simulated OpenSIPS in one process, as many as are asked for. Fast, and its phones may ring for long. @module */
import { type Simulator, startSimulator } from '../../simulator/index.ts';

/** Asks for so many more; the answer is their MI addresses. */
export interface OpenSipsWanted {
  readonly more: number;
}

/** A phone rings for an hour, in milliseconds: no measurement lasts so long. */
const RINGING_MS = 3_600_000;

process.on('message', async ({ more }: OpenSipsWanted) => {
  const simulators: Simulator[] = await Promise.all(
    Array.from({ length: more }, () =>
      startSimulator({ gaps: 0, keepLedger: false, timers: { ringing: RINGING_MS } }),
    ),
  );
  process.send?.(simulators.map(({ mi }) => `${mi.host}:${mi.port}`));
});
process.on('disconnect', () => process.exit());
