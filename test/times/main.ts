/**
 * Makes many calls while a client watches, and looks at the times of each: `npm run test:times -- --help`. Exits with 1 if one falls.
 * @module
 */
import { parseArgs } from 'node:util';
import { type Client, callidOf, phoneUri } from '../harness/client.ts';
import { startStack } from '../harness/stack.ts';
import { OpenSipsHarness } from '../opensips/harness.ts';
import { findOpenSips } from '../opensips/opensips.ts';
import { type CallHistory, fallingTimes } from './check-times.ts';

const HELP = `Makes calls while a client watches, holds some of them, ends them, and looks for times that fall.

  --calls N       with the simulator (10000)
  --opensips N    with the OpenSIPS on the PATH, if there is one (1000)
  --at-a-time N   calls at a time (16)
`;

const { values: flags } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    opensips: { type: 'string', default: '1000' },
    'at-a-time': { type: 'string', default: '16' },
    help: { type: 'boolean', default: false },
  },
});

/** Makes one call after the other with the same phones. Returns what is wrong with their times. */
async function makeCalls(
  client: Client,
  parties: { readonly caller: string; readonly callee: string },
  take: () => boolean,
): Promise<string[]> {
  const problems: string[] = [];
  for (let n = 0; take(); n++) {
    const callid = callidOf(await client.runToEnd('CallStart', parties), 'CalleeAnswered');
    if (n % 2 === 0) await client.runToEnd('CallHold', { callid });
    await client.runToEnd('CallEnd', { callid });
    const { result } = await client.request('CallGet', { callid });
    const problem = fallingTimes(result as unknown as CallHistory);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** Makes so many calls at several places at a time, and prints what it has found. */
async function run(
  name: string,
  count: number,
  places: readonly { readonly client: Client; readonly caller: string; readonly callee: string }[],
): Promise<void> {
  for (const { client } of places.slice(0, 1)) await client.request('CallWatch', {});
  let left = count;
  const startedAt = performance.now();
  const problems = await Promise.all(
    places.map(({ client, ...parties }) => makeCalls(client, parties, () => left-- > 0)),
  );
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const falling = problems.flat();
  process.stdout.write(`${name}: ${count} calls in ${seconds} s, ${falling.length} with a time that falls\n`);
  for (const problem of falling.slice(0, 10)) process.stdout.write(`  ${problem}\n`);
  if (falling.length > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const atATime = Number(flags['at-a-time']);
  const indexes = Array.from({ length: atATime }, (_, index) => index);
  if (Number(flags.calls) > 0) {
    await using stack = await startStack();
    const clients = await Promise.all(indexes.map((index) => stack.connectClient(`?session=${index}`)));
    const places = clients.map((client) => ({ client, caller: phoneUri('alice'), callee: phoneUri('bob') }));
    await run('simulator', Number(flags.calls), places);
  }
  if (Number(flags.opensips) === 0) return;
  const found = findOpenSips();
  if (found === undefined) {
    process.stdout.write('OpenSIPS: not on the PATH\n');
    return;
  }
  await using harness = await OpenSipsHarness.open({});
  const places: { client: Client; caller: string; callee: string }[] = [];
  for (const _ of indexes.slice(0, 4)) {
    const [alice, bob] = [await harness.openPhone('keep'), await harness.openPhone('keep')];
    places.push({ client: harness.client, caller: alice.uri, callee: bob.uri });
  }
  await run('OpenSIPS', Number(flags.opensips), places);
}

if (flags.help) process.stdout.write(HELP);
else await main();
