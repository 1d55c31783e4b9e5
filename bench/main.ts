/** `npm run bench`: runs the benchmark that the options select, by default the speed benchmark. @module */
import { inspect } from 'node:util';

/** What each benchmark's module exports. */
interface BenchmarkModule {
  main(args: string[]): Promise<void>;
}

/** The flag that selects each benchmark. With `keepsFlag`, the benchmark parses that flag as well. */
const BENCHMARKS: readonly {
  readonly flag: string;
  readonly module: string;
  readonly keepsFlag?: boolean;
}[] = [
  { flag: '--counts', module: './counts/main.ts' },
  { flag: '--scale', module: './scale/main.ts' },
  { flag: '--neighbours', module: './neighbors/main.ts' },
  { flag: '--front', module: './front/main.ts' },
  { flag: '--webhooks', module: './webhooks/main.ts' },
  { flag: '--dial', module: './dial/main.ts' },
  { flag: '--wan', module: './wan/main.ts' },
  { flag: '--opensips', module: './opensips/main.ts', keepsFlag: true },
];
const SPEED = { flag: '', module: './speed/main.ts', keepsFlag: true };

// Child processes are killed by handlers of the exit event, which a signal alone does not trigger.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const args = process.argv.slice(2);
const selected =
  BENCHMARKS.find(({ flag }) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`))) ?? SPEED;
try {
  const benchmark = (await import(selected.module)) as BenchmarkModule;
  await benchmark.main(selected.keepsFlag ? args : args.filter((arg) => arg !== selected.flag));
} catch (error) {
  const isExpected = error instanceof Error && error.cause === undefined && !process.env['DEBUG'];
  process.stderr.write(`\nbench: ${isExpected ? error.message : inspect(error)}\n`);
  // Sockets and timers of the failed benchmark would keep the process running.
  process.exit(1);
}
