/** One try: one request. @module */

import { silenceOf } from './schedule.ts';
import type { Signer } from './signing.ts';
import { signatures } from './signing.ts';
import type { Result } from './verdict.ts';

/** Milliseconds in which a receiver has to answer; the specification asks for 15 to 30 s. */
export const ANSWER_MS = 15_000;

/** Bytes of an answer that is read to its end. */
const SHORT = 4_096;

/** What is sent, and where to. */
export interface Parcel {
  readonly url: string;
  readonly signers: readonly Signer[];
  /** `webhook-id`. */
  readonly id: string;
  readonly body: string;
}

/** Sends it. Never rejects. Of the answer only its status and `Retry-After` count. */
export async function attempt({ url, signers, id, body }: Parcel, now: () => number): Promise<Result> {
  // Not AbortSignal.timeout: that would keep the object from sleeping until it is over, whatever was answered.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWER_MS);
  try {
    const timestamp = Math.floor(now() / 1_000);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'call-api-edge-webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': await signatures(signers, { id, timestamp, body }),
      },
      body,
      redirect: 'manual',
      signal: late.signal,
    });
    await close(response);
    return { status: response.status, silence: silenceOf(response.headers.get('Retry-After'), now()) };
  } catch {
    if (late.signal.aborted) return { error: `no answer within ${ANSWER_MS / 1_000} s` };
    // What the platform throws says no more.
    return {
      error: 'it could not be reached: look at its name, port and certificate; is its address public?',
    };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whatever it has to say. A short answer is read to its end, so that its connection can be used again: to make one costs
 * more than a request does. One that says not how long it is may have no end, and would hold this open.
 */
async function close({ headers, body }: Response): Promise<void> {
  const length = headers.get('Content-Length');
  // What is packed may be any length.
  const isShort = length !== null && Number(length) <= SHORT && !headers.has('Content-Encoding');
  await (isShort ? body?.pipeTo(new WritableStream()) : body?.cancel())?.catch(() => {});
}
