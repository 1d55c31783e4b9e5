/** Runs `call-api`: arguments in, exit code out. @module */
import { CommanderError } from 'commander';
import type { Context } from './commands/session.ts';
import { EXIT, type Exit, Failure } from './exit.ts';
import { createProgram } from './program.ts';

/**
 * Runs a command line as this process, and sets the exit code. The first Ctrl-C ends the command, the second ends the
 * process at once.
 * @param argv the arguments after the program's name
 */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
      interrupt.abort();
    });
  // A reader such as `head` has closed the pipe and needs no more.
  process.stdout.on('error', () => process.exit(EXIT.done));
  const { env, stdout: out, stderr: err } = process;
  try {
    process.exitCode = await runProgram(argv, { env, out, err, interrupt: interrupt.signal });
  } catch (error) {
    const details = error instanceof Error ? error.stack : error;
    err.write(`Unexpected error in call-api. Please report it with these lines:\n${details}\n`);
    process.exitCode = EXIT.failed;
  }
}

/** Runs a command line, and returns the exit code. */
export async function runProgram(argv: readonly string[], context: Omit<Context, 'onExit'>): Promise<Exit> {
  let exit: Exit = EXIT.done;
  const program = createProgram({
    ...context,
    onExit: (code) => {
      exit = code;
    },
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit;
  } catch (error) {
    // Also thrown, with the exit code 0, after the help or the version was printed on request.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!(error instanceof Failure)) throw error;
    context.err.write(`${error.message}\n`);
    return context.interrupt.aborted ? EXIT.interrupted : error.exit;
  }
}
