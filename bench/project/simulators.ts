/**
 * An OpenSIPS stand-in for each of some sites, in one process, as fast as it can. One for all sites would not do: it
 * would tell every site's adapter of every other site's calls.
 *
 *     node bench/project/simulators.ts N
 *
 * Writes one line when all are up: their MI ports.
 * @module
 */
import { startSimulator } from '../../simulator/index.ts';

/**
 * In milliseconds; as recorded it is 5 s. Five seconds after a round its calls would fall due to be unlisted, and the
 * simulator, whose clock does not sleep between happenings that lie close, would take a core from whoever is
 * measured then.
 */
const LISTED_AFTER_END = 0;

const ports: number[] = [];
for (let site = 0; site < Number(process.argv[2]); site++) {
  const timers = { listedAfterEnd: LISTED_AFTER_END };
  const { mi } = await startSimulator({ gaps: 0, keepLedger: false, timers });
  ports.push(mi.port);
}
process.stdout.write(`${ports.join(',')}\n`);
