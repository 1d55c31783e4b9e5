/** `npm run bench`: hands over to the bench that is asked for; the speed bench unless told otherwise. @module */
import { inspect } from 'node:util';

/** Every bench. */
interface Bench {
  main(args: string[]): Promise<void>;
}

/** By the option that chooses it; `takes` where that option is the bench's own as well. */
const BENCHES: readonly { readonly flag: string; readonly module: string; readonly own?: boolean }[] = [
  { flag: '--counts', module: './counts/main.ts' },
  { flag: '--scale', module: './scale/main.ts' },
  { flag: '--neighbours', module: './tenants/main.ts' },
  { flag: '--webhooks', module: './webhooks/main.ts' },
  { flag: '--opensips', module: './opensips/main.ts', own: true },
];
const SPEED = { flag: '', module: './speed/main.ts', own: true };

// Whatever ends this, its children go with it: they listen to the process's exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const args = process.argv.slice(2);
const chosen =
  BENCHES.find(({ flag }) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`))) ?? SPEED;
try {
  const bench = (await import(chosen.module)) as Bench;
  await bench.main(chosen.own ? args : args.filter((arg) => arg !== chosen.flag));
} catch (error) {
  const known = error instanceof Error && error.cause === undefined && !process.env['DEBUG'];
  process.stderr.write(`\nbench: ${known ? error.message : inspect(error)}\n`);
  // What was under way when it failed must not keep it from ending.
  process.exit(1);
}
