/** What an HTTP response of the edge says, also one that is cut off or comes from another server, and what its status means. @module */
import type { IncomingMessage } from 'node:http';
import { EXIT, type Exit } from '../exit.ts';

/** A response that refuses a request. */
export interface Refusal {
  readonly status: number;
  /** The `detail` of a problem document (RFC 9457); empty if the body is none, as that of another server. */
  readonly detail: string;
  /** The header Retry-After. */
  readonly retryAfter?: string | undefined;
}

export interface Answer extends Refusal {
  /** The JSON in the body; undefined if it is none, or was cut off. */
  readonly body: unknown;
  /** Whether the connection ended within the body. */
  readonly isCut: boolean;
}

/** Longer bodies of a refused upgrade are not read: what answers is not an edge then. */
const MAX_BODY_BYTES = 65_536;

/** Reads a response to its end. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text().catch(() => undefined);
  const body = parseJson(text ?? '');
  return {
    status: response.status,
    body,
    detail: detailOf(body),
    retryAfter: response.headers.get('Retry-After') ?? undefined,
    isCut: text === undefined,
  };
}

/** Reads the response to an upgrade that was refused, as far as it arrives within this time. Never rejects. */
export async function readRefusal(response: IncomingMessage, timeoutMs: number): Promise<Refusal> {
  const timer = setTimeout(() => response.destroy(), timeoutMs);
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // The status says more than why the rest has not arrived.
  } finally {
    clearTimeout(timer);
  }
  return {
    status: response.statusCode ?? 0,
    detail: detailOf(parseJson(text)),
    retryAfter: response.headers['retry-after'],
  };
}

/** Returns the exit code for a response that refuses a request. */
export function exitForStatus({ status, detail }: Refusal): Exit {
  if (status === 400) return EXIT.usage;
  if (status === 401 || status === 403) return EXIT.notAllowed;
  if (isUnavailable(status)) return EXIT.unreachable;
  return detail === '' ? EXIT.unreachable : EXIT.failed;
}

/** Whether the same request may succeed later. */
export function isUnavailable(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Returns when to try again: a sentence. Retry-After has seconds, or a date (RFC 9110 §10.2.3). */
export function retryAdvice({ retryAfter = '' }: Refusal, now = Date.now()): string {
  const seconds = /^\d{1,9}$/.test(retryAfter)
    ? Number(retryAfter)
    : Math.ceil((Date.parse(retryAfter) - now) / 1_000);
  return seconds > 0 ? `Try again in ${seconds} s.` : 'Try again in a minute.';
}

function detailOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string'
    ? body.detail
    : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
