/** Verifies the signature of a webhook (Standard Webhooks, https://www.standardwebhooks.com). @module */
import type { WebhookEvent } from './webhook-event.ts';

/** The headers of a request: those of Fetch, or an object as in Node.js, whatever the case of its names. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** How far `webhook-timestamp` may be from the clock of this machine, in seconds. Default: 300, as Standard Webhooks says. */
  readonly toleranceSeconds?: number;
  /** The time to compare with, in Unix milliseconds. Default: now. */
  readonly now?: number;
}

/** A request that is not a webhook of the edge: answer it with 400 or 401. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

const TOLERANCE_S = 300;

/** The prefix of each kind of key, and of the signatures that it verifies. */
const KINDS = { whsec_: 'v1', whpk_: 'v1a' } as const;

/**
 * Returns the event of a webhook whose signature is right, and rejects with a {@link WebhookError} otherwise.
 * @param body the body as it was received, before it is parsed
 * @param keys a secret (`whsec_…`) or a public key (`whpk_…`) of the webhook, or several while one is being replaced
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  keys: string | readonly string[],
  { toleranceSeconds = TOLERANCE_S, now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature').split(' ');
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(now / 1_000 - seconds) <= toleranceSeconds))
    throw new WebhookError(
      `webhook-timestamp: ${JSON.stringify(timestamp)} is more than ${toleranceSeconds} s from the clock of this machine. Refuse the request, and check the clock.`,
    );
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  for (const key of [keys].flat())
    for (const signature of signatures)
      if (await isSignedBy(key, signature, signed)) return JSON.parse(text) as WebhookEvent;
  throw new WebhookError(
    'webhook-signature: no signature is of a key of this webhook. Refuse the request, and compare the secret with that of the webhook.',
  );
}

async function isSignedBy(key: string, signature: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const kind = Object.entries(KINDS).find(([prefix]) => key.startsWith(prefix));
  const bytes = kind && base64Bytes(key.slice(kind[0].length));
  if (!kind || !bytes)
    throw new WebhookError(
      'The key is neither a secret nor a public key of a webhook. Use one that begins with whsec_ or whpk_.',
    );
  const [version, encoded = ''] = signature.split(',');
  const signatureBytes = base64Bytes(encoded);
  if (version !== kind[1] || !signatureBytes) return false;
  const algorithm = version === 'v1' ? { name: 'HMAC', hash: 'SHA-256' } : { name: 'Ed25519' };
  const imported = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
  return crypto.subtle.verify(algorithm.name, imported, signatureBytes, signed);
}

/** Returns undefined for a text that is not base64. */
function base64Bytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function headerOf(headers: WebhookHeaders, name: string): string {
  const isFetch = (each: WebhookHeaders): each is { get(name: string): string | null } =>
    typeof each['get'] === 'function';
  const value = isFetch(headers)
    ? headers.get(name)
    : Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookError(`${name}: missing. Only requests with this header are webhooks of the edge.`);
}
