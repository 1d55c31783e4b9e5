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
  /** Whether the command itself ends what it has begun at Ctrl-C. Any other one is left where it is. */
  readonly endsItself: boolean;
}

/**
 * Opens the transport that the settings ask for, acts, and closes it in any case. Only that one is loaded. At Ctrl-C it stops
 * opening, and acting unless the command ends itself.
 */
export async function withTransport(
  { settings, printer, context: { interrupt }, endsItself }: Session,
  act: (transport: Transport) => Promise<Exit>,
): Promise<Exit> {
  const connecting = openTransport(settings, (sentence) => printer.hint(sentence));
  const transport = await Promise.race([connecting, interrupted(interrupt)]);
  if (transport === EXIT.interrupted) {
    void connecting.then(
      (late) => late.close(),
      () => {},
    );
    return transport;
  }
  try {
    return await (endsItself ? act(transport) : untilInterrupted(act(transport), interrupt));
  } finally {
    await transport.close();
  }
}

async function openTransport(settings: Settings, showHint: (sentence: string) => void): Promise<Transport> {
  return settings.direct
    ? (await import('../transport/direct.ts')).openDirectTransport(settings, showHint)
    : (await import('../transport/edge.ts')).openEdgeTransport(settings, showHint);
}

/** Resolves with `interrupted` at Ctrl-C, for what leaves nothing behind. */
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
