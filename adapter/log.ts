/**
 * Structured logs for an operator, one JSON line each, from which secrets are kept out.
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Characters from which on a secret is blotted out: a shorter one hides nothing, and would garble every line. */
const SHORTEST_SECRET = 8;

/**
 * Opens the log.
 * @param secrets never written, whatever message or error holds them (from 8 characters on)
 * @param destination standard output unless given
 */
export function createLog(
  level: string,
  secrets: readonly string[],
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log {
  // As they stand inside a JSON string, where quotes and backslashes are escaped.
  const hidden = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
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
