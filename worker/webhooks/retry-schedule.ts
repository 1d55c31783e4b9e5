/** When a delivery is attempted again. Pure. @module */
import { quote } from '../../shared/settings/quote.ts';

/**
 * The delay before each attempt, in seconds after the previous one: ten attempts in three days (Standard Webhooks,
 * "Retry schedule").
 */
export const DEFAULT_RETRY_DELAYS_S: readonly number[] = [
  0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

/** Each delay grows by up to this fraction at random, so that deliveries that failed together are not retried together. */
const JITTER = 0.2;

/** The longest `Retry-After` that is honored, in milliseconds: the longest delay of the default schedule. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * Returns the retry schedule of a deployment.
 * @param text delays in seconds, separated by commas, such as `0,5,60`; the default schedule applies where it is empty
 */
export function parseRetrySchedule(text: string | undefined): readonly number[] {
  if (text === undefined || text === '') return DEFAULT_RETRY_DELAYS_S;
  if (/^\d{1,6}(,\d{1,6}){0,19}$/.test(text)) return text.split(',').map(Number);
  console.error(
    `WEBHOOK_RETRIES: ${quote(text)} is not valid, so the default schedule is used. Use up to 20 numbers of seconds, separated by commas, such as 0,5,300.`,
  );
  return DEFAULT_RETRY_DELAYS_S;
}

/**
 * Returns the milliseconds until the next attempt, or undefined after the last one.
 * @param attemptCount attempts made so far
 * @param random from 0 to 1
 */
export function retryDelayMs(
  attemptCount: number,
  schedule: readonly number[],
  random: number,
): number | undefined {
  const seconds = schedule[attemptCount];
  return seconds === undefined ? undefined : Math.round(seconds * 1_000 * (1 + JITTER * random));
}

/** Returns the milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or a date); 0 for none. */
export function parseRetryAfter(header: string | null, now: number): number {
  const text = header?.trim() ?? '';
  // Only the date format of HTTP: the platform's parser accepts almost anything as a date.
  const date = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : date - now;
  return Number.isNaN(ms) ? 0 : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}
