/** Administers the tenants of an edge: reads the command line, asks, and shows what was answered. @module */
import { readFileSync } from 'node:fs';
import { print, refusal } from './admin-answer.ts';
import { readArguments } from './admin-arguments.ts';
import type { AdminRequest } from './admin-commands.ts';
import { reasonOf } from './settings.ts';

/** How it ends. */
const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** The edge tries its sites for 5 s at most; then it answers all the same. */
const ANSWER_MS = 30_000;

/**
 * Runs one command of the administrator's.
 * @param argv the arguments after `admin`
 * @return the exit code
 */
export async function administer(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const reading = readArguments(argv, env);
  if ('help' in reading) {
    process.stdout.write(reading.help);
    return EXIT.done;
  }
  if ('wrong' in reading) return wrongUsage(reading.wrong);
  const secret = readSecret(reading.secretFile, env);
  if ('wrong' in secret) return wrongUsage(secret.wrong);

  let response: Response;
  let answer: unknown;
  try {
    response = await ask(reading.edge, reading.request, secret.secret);
    answer = await response.json().catch(() => undefined);
  } catch (error) {
    process.stderr.write(
      `No edge is reached at ${reading.edge} (${reasonOf(error)}): check --edge or EDGE_URL.\n`,
    );
    return EXIT.unreachable;
  }
  if (!response.ok || typeof answer !== 'object' || answer === null) {
    process.stderr.write(refusal(response.status, answer));
    return EXIT.refused;
  }
  const { out, hint } = print({ ...answer }, reading.shown, reading.json);
  process.stdout.write(out);
  process.stderr.write(hint);
  return EXIT.done;
}

/** A redirect is not followed: the secret is for this edge. */
function ask(edge: string, { method, path, body }: AdminRequest, secret: string): Promise<Response> {
  return fetch(`${edge}/v1/admin${path}`, {
    method,
    headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

function readSecret(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): { secret: string } | { wrong: string } {
  let secret = env['ADMIN_SECRET'] ?? '';
  if (file !== undefined) {
    try {
      secret = readFileSync(file, 'utf8').trim();
    } catch (error) {
      return { wrong: `the file ${file} cannot be read (${reasonOf(error)}); check --secret-file` };
    }
  }
  if (secret === '') return { wrong: 'the admin secret is missing; set ADMIN_SECRET or give --secret-file' };
  // A header takes no more than this (RFC 9110 §11.6.2).
  if (!/^[\x21-\x7e]+$/.test(secret))
    return { wrong: 'the admin secret holds a character that no header takes' };
  return { secret };
}

function wrongUsage(sentence: string): number {
  process.stderr.write(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.\n`);
  return EXIT.usage;
}
