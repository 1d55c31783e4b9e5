/** `npm run bench -- --counts`: what each command costs, counted. @module */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { table } from '../table.ts';
import { COUNTED, Counter } from './count.ts';
import type { Counts } from './counts.ts';
import { price } from './price.ts';

/** Days that the price reckons the rows to be kept; the edge itself keeps them for an hour or so. */
const DAYS = 1;
const LOADS = [
  { commands: 20, inFlight: 1 },
  { commands: 256, inFlight: 64 },
] as const;

const HEADER = ['command', 'in flight', 'rows written', 'read', 'alarms set', 'run', 'wake-ups']
  .concat(['client frames in', 'out', 'bytes in', 'out'])
  .concat(['link frames in', 'out', 'bytes in', 'out', 'requests billed', 'bytes stored', '$ a million']);

/** Counts, prints, and writes JSON where `--json FILE` is given. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'string' } } });
  await using counter = await Counter.start();
  const counted = [];
  for (const load of LOADS) {
    for (const command of COUNTED) {
      const counts = await counter.count(command, load);
      counted.push({ command, ...load, counts, price: price(counts, DAYS) });
    }
  }
  const foreign = await counter.during(() => counter.stack.simulator.dial({ from: 'carol', to: 'dave' }));
  const rows = counted.map(({ command, inFlight, counts, price: { total } }) => [
    command,
    String(inFlight),
    ...figures(counts).map((figure) => figure.toFixed(2)),
    (total * 1e6).toFixed(2),
  ]);
  rows.push(["a call that is not the API's", '', ...figures(foreign).map((figure) => figure.toFixed(2)), '']);
  process.stdout.write(
    `Per command, at the pauses of a real OpenSIPS; price with ${DAYS} day of storage.\n${table(HEADER, rows)}`,
  );
  if (values.json) await writeFile(values.json, JSON.stringify({ counted, foreign }, null, 2));
}

function figures(counts: Counts): number[] {
  const { rowsWritten, rowsRead, alarmsSet, alarmsRun, wakeUps, requests, client, adapter, stored } = counts;
  const wires = [client, adapter].flatMap((wire) => [wire.in, wire.out, wire.bytesIn, wire.bytesOut]);
  const billed = requests + alarmsRun + (client.in + adapter.in) / 20;
  return [rowsWritten, rowsRead, alarmsSet, alarmsRun, wakeUps, ...wires, billed, stored];
}
