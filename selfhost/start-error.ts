/** Errors that keep `npm start` from running, in words for the user. @module */
import { reasonOf } from '../shared/settings/error-reason.ts';
import { quote } from '../shared/settings/quote.ts';

/** An error that the user can act on. The message says what happened and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Returns what to print about an error. One that is not foreseen is a bug, and keeps its stack for the report. */
export function startErrorText(error: unknown): string {
  if (error instanceof StartError) return error.message;
  if (error instanceof Error && 'syscall' in error && 'path' in error)
    return `Cannot use ${quote(String(error.path))}: ${reasonOf(error)}. Check the folder of --data (SELFHOST_DATA).`;
  return `Unexpected error. Please report it with these lines:\n${error instanceof Error ? error.stack : error}`;
}
