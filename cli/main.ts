#!/usr/bin/env node
/**
 * `call-api`: the process. Arguments in, exit code out; the first Ctrl-C ends what runs, the second leaves at once.
 * @module
 */
import { CommanderError } from 'commander';
import { administer } from './administer.ts';
import { EXIT, type Exit, Failure } from './exit.ts';
import { asSentence } from './printer.ts';
import { createProgram } from './program.ts';

/** What commander throws where help or the version was asked for, and printed. */
const ASKED_FOR = ['commander.helpDisplayed', 'commander.version'];

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
// Whoever reads has gone, as `head` does: nobody misses the rest.
process.stdout.on('error', () => process.exit(EXIT.done));

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === 'admin') return administer(rest, process.env);
  let exit: Exit = EXIT.done;
  const program = createProgram({
    env: process.env,
    out: process.stdout,
    err: process.stderr,
    interrupt: interrupt.signal,
    exit: (how) => {
      exit = how;
    },
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return ASKED_FOR.includes(error.code) ? EXIT.done : EXIT.usage;
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(asSentence(error.message));
    return interrupt.signal.aborted ? EXIT.interrupted : error.exit;
  }
}
