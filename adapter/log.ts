/**
 * Structured logs for an operator, one JSON line each, from which secrets are kept out.
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/**
 * Opens the log.
 * @param secrets never written, whatever message or error holds them
 * @param destination standard output unless given
 */
export function createLog(
  level: string,
  secrets: readonly string[],
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log {
  // As they stand inside a JSON string, where quotes and backslashes are escaped.
  const hidden = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
  return pino(
    {
      name: 'adapter',
      level,
      redact: { paths: ['key', 'headers', '*.key', '*.headers', '*.authorization'], censor: '[secret]' },
      hooks: {
        streamWrite: (line) => hidden.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line),
      },
    },
    destination,
  );
}

/** A URL as it may be logged: without user, password, query and fragment, where secrets travel. */
export function loggable(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
