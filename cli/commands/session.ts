/** What every command works with: where it prints, its settings, and a transport to the Call API. @module */
import { EXIT, type Exit, Failure } from '../exit.ts';
import type { Output, Printer } from '../output/printer.ts';
import type { Environment } from '../settings/reader.ts';
import type { Settings } from '../settings/settings.ts';
import type { Transport } from '../transport/transport.ts';

/** The surroundings of the program: the process, or a test. */
export interface Context {
  readonly env: Environment;
  readonly out: Output;
  readonly err: Output;
  /** Aborted by the first Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** Receives the exit code of the command. */
  readonly onExit: (exit: Exit) => void;
}

export interface Session {
  readonly settings: Settings;
  readonly printer: Printer;
  readonly context: Context;
}

/** Opens the transport that the settings ask for, acts, and closes it in any case. Only that one is loaded. */
export async function withTransport(
  { settings, printer }: Session,
  act: (transport: Transport) => Promise<Exit>,
): Promise<Exit> {
  const showHint = (sentence: string) => printer.hint(sentence);
  const transport = settings.direct
    ? await (await import('../transport/direct.ts')).openDirectTransport(settings, showHint)
    : (await import('../transport/edge.ts')).openEdgeTransport(settings, showHint);
  try {
    return await act(transport);
  } finally {
    await transport.close();
  }
}

/** Resolves with `interrupted` at Ctrl-C, for commands that leave nothing behind. */
export function untilInterrupted(exit: Promise<Exit>, interrupt: AbortSignal): Promise<Exit> {
  return Promise.race([exit, interrupted(interrupt)]);
}

/** Resolves at Ctrl-C. */
export function interrupted(interrupt: AbortSignal): Promise<typeof EXIT.interrupted> {
  return new Promise((resolve) => {
    if (interrupt.aborted) resolve(EXIT.interrupted);
    interrupt.addEventListener('abort', () => resolve(EXIT.interrupted), { once: true });
  });
}

/** Throws a {@link Failure} in direct mode. */
export function requireEdge({ settings: { direct } }: Session, command: string): void {
  if (direct) throw new Failure(EXIT.usage, `${command} needs an edge. Remove --direct (CALL_API_DIRECT).`);
}
