/** What the routes of `/v1/admin` and `/v1/manage` share: parsing bodies, the address of the actor, and responding. @module */
import type * as z from 'zod';
import { validate } from '../../../shared/protocol/validation/validate.ts';
import { problemResponse } from '../../errors/problem.ts';
import type { Outcome } from '../../objects/outcome.ts';
import type { AuditEntry } from '../../tenant/audit.ts';

/** Returns from where a request comes. The platform sets the address; without a platform, the header may contain anything. */
export function addressOf(request: Request): string {
  const address = request.headers.get('CF-Connecting-IP') ?? '';
  return /^[0-9A-Fa-f.:]{2,45}$/.test(address) ? address : 'unknown';
}

/** Returns the validated body, or a response that says what is wrong with it. An empty body counts as `{}`. */
export async function readBody<T>(schema: z.ZodType<T>, request: Request): Promise<T | Response> {
  const text = await request.text();
  try {
    return check(schema, text === '' ? {} : JSON.parse(text), 'The body');
  } catch {
    return problemResponse(400, 'The body is not JSON. Send an object such as {"id":"acme"}.');
  }
}

/** Returns the validated URL parameters, or a response that says what is wrong with them. */
export function readQuery<T>(schema: z.ZodType<T>, query: Record<string, string>): T | Response {
  return check(schema, query, 'The query');
}

function check<T>(schema: z.ZodType<T>, value: unknown, name: string): T | Response {
  const validated = validate(schema, value, name);
  return validated.success ? validated.data : problemResponse(400, validated.error);
}

export function respondWith<T>(outcome: Outcome<T>, status = 200): Response {
  if (!outcome.ok) return problemResponse(outcome.status, outcome.reason);
  return Response.json({ ...outcome.value, untold: outcome.unreachedSites }, { status });
}

/** Responds with a page of an audit trail. */
export function auditPage(entries: readonly AuditEntry[], limit: number): Response {
  const last = entries.length === limit ? entries.at(-1) : undefined;
  return Response.json({ entries, ...(last ? { next: last.n } : {}) });
}
