/** When a delivery is tried. Pure. @module */

/** Before each try, in seconds after the one before (Standard Webhooks, "Retry schedule"): ten tries in three days. */
export const RETRIES_S: readonly number[] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** A wait is longer by up to this part of it, at random: what failed together does not come back together. */
const JITTER = 0.2;

/** A receiver may ask for this long a silence, in milliseconds: as long as the longest wait of ours. */
const LONGEST_SILENCE_MS = 86_400_000;

/** The schedule, where a deployment has one of its own: seconds with commas between, such as `0,5,60`. */
export function scheduleOf(text: string | undefined): readonly number[] {
  if (text === undefined || text === '') return RETRIES_S;
  if (/^\d{1,6}(,\d{1,6}){0,19}$/.test(text)) return text.split(',').map(Number);
  console.error(`WEBHOOK_RETRIES takes seconds with commas between, such as 0,5,300, and not ${text}`);
  return RETRIES_S;
}

/**
 * Milliseconds until the next try; undefined where there is none.
 * @param tries so many were made
 * @param random from 0 to 1
 */
export function waitAfter(tries: number, schedule: readonly number[], random: number): number | undefined {
  const seconds = schedule[tries];
  return seconds === undefined ? undefined : Math.round(seconds * 1_000 * (1 + JITTER * random));
}

/** Milliseconds that `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or a date); 0 where it asks for none. */
export function silenceOf(retryAfter: string | null, now: number): number {
  const text = retryAfter?.trim() ?? '';
  // Of dates only HTTP's own form: the platform's parser takes almost anything for one.
  const date = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : date - now;
  return Number.isNaN(wait) ? 0 : Math.min(LONGEST_SILENCE_MS, Math.max(0, wait));
}
