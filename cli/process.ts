/** Runs `call-api`: arguments in, exit code out. @module */
import { CommanderError } from 'commander';
import type { Context } from './commands/session.ts';
import { EXIT, type Exit, Failure } from './exit.ts';
import { isPipeClosed, StreamOutput, writeFailureText } from './output/stream-output.ts';
import { createProgram } from './program.ts';

/** Time for closing connections when a command has ended. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Runs a command line as this process, and sets the exit code. The first Ctrl-C ends the command, the second ends the
 * process at once. A command whose output can no longer be written is carried out all the same: that it was not shown is a
 * failure, unless the reader has closed the pipe because it needs no more.
 * @param argv the arguments after the program's name
 */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
      interrupt.abort();
    });
  const [out, err] = [new StreamOutput(process.stdout), new StreamOutput(process.stderr)];
  let exit: Exit;
  try {
    exit = await runProgram(argv, { env: process.env, out, err, interrupt: interrupt.signal });
  } catch (error) {
    const details = error instanceof Error ? error.stack : error;
    err.write(`Unexpected error in call-api. Please report it with these lines:\n${details}\n`);
    exit = EXIT.failed;
  }
  const failure = await out.flush();
  if (failure && !isPipeClosed(failure) && exit === EXIT.done) {
    err.write(`${writeFailureText(failure)}\n`);
    exit = EXIT.failed;
  }
  process.exitCode = exit;
  // What does not close, such as a connection to a server that is silent, must not keep the process.
  setTimeout(() => process.exit(), CLOSE_TIMEOUT_MS).unref();
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
