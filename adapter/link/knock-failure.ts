/** Why the edge has not taken the messages of a knock, and what an operator can do about it. Pure. @module */
import * as z from 'zod';
import { quote } from '../../shared/settings/quote.ts';
import { summarizeStatus } from './disconnect-reason.ts';

export interface KnockFailure {
  /** For the log: what happened, and what to do. */
  readonly message: string;
  /** Knocking soon is useless: an operator has to act first. */
  readonly needsOperator: boolean;
  /** When the edge wants the next knock, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The longest time that an edge can make the adapter wait, in seconds. */
const MAX_RETRY_AFTER_S = 60;

/** The problem details of the edge (RFC 9457). */
const Problem = z.object({ detail: z.string() });

/** @param body of the response, whose status is not 200 */
export function describeRefusal({ status, headers }: Response, body: string): KnockFailure {
  const detail = detailOf(body);
  switch (status) {
    case 400:
      return {
        message: `The edge does not understand messages of this adapter${detail}. The adapter asks which ones it takes.`,
        needsOperator: false,
      };
    case 404:
      return {
        message: `The edge takes no messages without a link (HTTP 404)${detail}. Set the link of the site to this adapter (site set --link dial), or remove --listen.`,
        needsOperator: true,
      };
    case 409:
      return {
        message: `The edge takes no messages without a link now (HTTP 409)${detail}. The adapter tries again. If this lasts, check that no other adapter serves the site, and that its link is dialed (site set --link dial).`,
        needsOperator: false,
      };
    case 429: {
      const seconds = Number(headers.get('retry-after') ?? Number.NaN);
      const retryAfterMs = Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000;
      return { ...summarizeStatus(status), ...(retryAfterMs > 0 ? { retryAfterMs } : {}) };
    }
    default:
      return summarizeStatus(status);
  }
}

function detailOf(body: string): string {
  try {
    return `: ${quote(Problem.parse(JSON.parse(body)).detail)}`;
  } catch {
    return '';
  }
}
