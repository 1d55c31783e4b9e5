/** The command line of the attacks: `npm run test:abuse -- --help`. @module */
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks/attacks.ts';
import { CALLS } from './harness.ts';
import { shortcomings } from './judge.ts';
import { formatResult } from './report.ts';
import { runAttack } from './run-attack.ts';

const HELP = `npm run test:abuse -- [options]

Attacks the whole stack as one tenant, beside a victim of another tenant that sends a request every 20 ms and watches its calls. Prints
what the victim felt, with and without the attack in the same run, and what the attacker got. The exit code is 1 if something falls
short of the limits. Everything runs on loopback and ends after its time.

  --attack NAME   one attack (all of them); may be given several times
  --runs N        runs of each attack; the median counts (1)
  --seconds N     how long an attack lasts (10)
  --calls N       calls in the log of the attacker's site (1,000)
  --help          this text

Attacks:
${Object.entries(ATTACKS)
  .map(([name, { title }]) => `  ${name.padEnd(18)}${title}`)
  .join('\n')}
`;

const { values: flags } = parseArgs({
  options: {
    attack: { type: 'string', multiple: true, default: Object.keys(ATTACKS) },
    runs: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    calls: { type: 'string', default: String(CALLS) },
    help: { type: 'boolean', default: false },
  },
});

// `exit` handlers end the child processes, which signals alone would not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

if (flags.help) {
  process.stdout.write(HELP);
} else {
  const [runs = 0, seconds = 0, calls = 0] = [flags.runs, flags.seconds, flags.calls].map(Number);
  if (!(runs > 0 && seconds > 0 && calls > 0))
    throw new Error('--runs, --seconds and --calls must be positive numbers.');
  const failed: string[] = [];
  for (const name of flags.attack) {
    const results = await runAttack(name, runs, seconds, calls);
    const { title = '', refusals } = ATTACKS[name] ?? {};
    process.stdout.write(`\n${formatResult(name, title, results, refusals)}`);
    if (shortcomings(results, refusals).length > 0) failed.push(name);
  }
  process.stdout.write(
    failed.length === 0
      ? `\nAll ${flags.attack.length} attacks are within the limits.\n`
      : `\n${failed.length} of ${flags.attack.length} attacks fall short: ${failed.join(', ')}\n`,
  );
  process.exit(failed.length === 0 ? 0 : 1);
}
