/** `npm run bench -- --counts`: counts the rows, alarms, frames and bytes of each command, and estimates its price. @module */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { table } from '../table.ts';
import { estimatePrice } from './price.ts';
import { COUNTED_METHODS, ResourceCounter } from './resource-counter.ts';
import type { ResourceCounts } from './resource-counts.ts';

/** Days of storage in the price. The edge itself keeps rows for about an hour. */
const STORAGE_DAYS = 1;
const LOADS = [
  { commands: 20, inFlight: 1 },
  { commands: 256, inFlight: 64 },
] as const;

const HEADER = ['command', 'in flight', 'rows written', 'read', 'alarms set', 'run', 'wake-ups']
  .concat(['client frames in', 'out', 'bytes in', 'out'])
  .concat(['link frames in', 'out', 'bytes in', 'out', 'requests billed', 'bytes stored', '$ per million']);

/** Counts, prints the results, and writes them as JSON if `--json FILE` is given. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { json: { type: 'string' } } });
  await using counter = await ResourceCounter.start();
  const commands = [];
  for (const load of LOADS) {
    for (const method of COUNTED_METHODS) {
      const counts = await counter.count(method, load);
      commands.push({ method, ...load, counts, price: estimatePrice(counts, STORAGE_DAYS) });
    }
  }
  const externalCall = await counter.countDuring(() =>
    counter.stack.simulator.dial({ from: 'carol', to: 'dave' }),
  );
  const rows = commands.map(({ method, inFlight, counts, price: { total } }) => [
    method,
    String(inFlight),
    ...cells(counts),
    (total * 1e6).toFixed(2),
  ]);
  rows.push(['a call made outside the API', '', ...cells(externalCall), '']);
  process.stdout.write(
    `Per command, with the delays of a real OpenSIPS. The price includes ${STORAGE_DAYS} day of storage.\n${table(HEADER, rows)}`,
  );
  if (values.json) await writeFile(values.json, JSON.stringify({ commands, externalCall }, null, 2));
}

function cells(counts: ResourceCounts): string[] {
  const { rowsWritten, rowsRead, alarmsSet, alarmsRun, wakeUps, requests, client, adapter, bytesStored } =
    counts;
  const traffic = [client, adapter].flatMap((wire) => [wire.in, wire.out, wire.bytesIn, wire.bytesOut]);
  const billed = requests + alarmsRun + (client.in + adapter.in) / 20;
  return [rowsWritten, rowsRead, alarmsSet, alarmsRun, wakeUps, ...traffic, billed, bytesStored].map(
    (value) => value.toFixed(2),
  );
}
