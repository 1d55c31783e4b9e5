/**
 * Runs an OpenSIPS simulator for each site in one process, without artificial delays. Sites cannot share a simulator:
 * it would send every adapter the events of all sites.
 *
 *     node bench/call-api/simulators.ts N
 *
 * Writes one line when all are ready: their MI ports.
 * @module
 */
import { startSimulator } from '../../simulator/index.ts';

/**
 * How long the simulator lists a call after its end. A real OpenSIPS was recorded at 5 s. With that, the calls of a
 * round would be removed five seconds later, while the next benchmark is measured, and the simulator, whose clock does
 * not sleep between close events, would take a core from it.
 */
const LISTED_AFTER_END_MS = 0;

const ports: number[] = [];
for (let site = 0; site < Number(process.argv[2]); site++) {
  const timers = { listedAfterEndMs: LISTED_AFTER_END_MS };
  const { mi } = await startSimulator({ delayFactor: 0, keepLedger: false, timers });
  ports.push(mi.port);
}
process.stdout.write(`${ports.join(',')}\n`);
