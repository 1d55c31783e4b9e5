/** Sends one webhook: one attempt, one HTTP request. @module */
import type { AttemptResult } from './delivery-outcome.ts';
import { parseRetryAfter } from './retry-schedule.ts';
import { type Signer, signatureHeader } from './signing.ts';

/** How long a receiver may take to answer, in milliseconds. Standard Webhooks recommends 15 to 30 s. */
export const RESPONSE_TIMEOUT_MS = 15_000;

/** Response bodies of up to this many bytes are read to their end. */
const MAX_READ_BYTES = 4_096;

/** What is sent, and where. */
export interface WebhookRequest {
  readonly url: string;
  readonly signers: readonly Signer[];
  /** `webhook-id`. */
  readonly messageId: string;
  readonly body: string;
}

/** Sends a webhook. Never rejects. Of the response, only the status and `Retry-After` matter. */
export async function sendWebhook(
  { url, signers, messageId, body }: WebhookRequest,
  clock: () => number,
): Promise<AttemptResult> {
  // Not AbortSignal.timeout: its timer keeps the object awake until it fires, even when the response has arrived.
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), RESPONSE_TIMEOUT_MS);
  try {
    const timestamp = Math.floor(clock() / 1_000);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'call-api-edge-webhooks',
        'webhook-id': messageId,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': await signatureHeader(signers, { id: messageId, timestamp, body }),
      },
      body,
      redirect: 'manual',
      signal: timeout.signal,
    });
    await closeBody(response);
    const retryAfterMs = parseRetryAfter(response.headers.get('Retry-After'), clock());
    return { status: response.status, retryAfterMs };
  } catch {
    if (timeout.signal.aborted)
      return {
        error: `The endpoint did not answer within ${RESPONSE_TIMEOUT_MS / 1_000} s. Answer first, and process the event later.`,
      };
    // The platform's exception contains no further details.
    return {
      error:
        'The endpoint could not be reached. Check its host name, port and certificate, and that its address is public.',
    };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads a short body to its end, so that the connection can be reused: opening one costs more than a request. Cancels
 * any other body, because one without a length may be endless and would keep this object busy.
 */
async function closeBody({ headers, body }: Response): Promise<void> {
  const length = headers.get('Content-Length');
  // A compressed body may have any length once it is decompressed.
  const isShort = length !== null && Number(length) <= MAX_READ_BYTES && !headers.has('Content-Encoding');
  await (isShort ? body?.pipeTo(new WritableStream()) : body?.cancel())?.catch(() => {});
}
