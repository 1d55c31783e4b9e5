/**
 * Structured logs for operators: one JSON object per line, with secrets redacted.
 * @module
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Shorter secrets are not redacted: replacing them would protect nothing and would garble every line. */
const MIN_SECRET_LENGTH = 8;

const REDACTED = '[secret]';

/**
 * Opens the log.
 * @param secrets replaced wherever they occur in a line, also in messages and errors (from 8 characters on)
 * @param destination standard output by default
 */
export function createLog(
  level: string,
  secrets: readonly string[],
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log {
  // As they appear inside a JSON string, where quotes and backslashes are escaped.
  const escapedSecrets = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  return pino(
    {
      name: 'adapter',
      level,
      redact: { paths: ['key', 'headers', '*.key', '*.headers', '*.authorization'], censor: REDACTED },
      hooks: {
        streamWrite: (line) =>
          escapedSecrets.reduce((text, secret) => text.replaceAll(secret, REDACTED), line),
      },
    },
    destination,
  );
}

/** Returns a URL that is safe to log: without user, password, query and fragment, which may contain secrets. */
export function redactUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
