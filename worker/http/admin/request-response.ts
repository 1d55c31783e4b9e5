/** What all routes of `/v1/admin` share: parsing bodies, identifying the actor, and responding. @module */
import type * as z from 'zod';
import { issuesText } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { problemResponse } from '../../errors/problem.ts';
import type { Outcome } from '../../objects/outcome.ts';
import type { Actor } from '../../tenant/audit.ts';

/** Returns who acts. The platform sets the address; without a platform, the header may contain anything. */
export function actorOf(request: Request): Actor {
  const address = request.headers.get('CF-Connecting-IP') ?? '';
  return { actor: 'admin', address: /^[0-9A-Fa-f.:]{2,45}$/.test(address) ? address : 'unknown' };
}

/** Returns the validated body, or a response that says what is wrong with it. An empty body counts as `{}`. */
export async function readBody<T>(schema: z.ZodType<T>, request: Request): Promise<T | Response> {
  const text = await request.text();
  try {
    return validate(schema, text === '' ? {} : JSON.parse(text));
  } catch {
    return problemResponse(400, 'the body is not JSON; send an object, such as {"id":"acme"}');
  }
}

/** Returns the validated value, or a response that says what is wrong with it. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T | Response {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : problemResponse(400, issuesText(parsed.error));
}

export function respondWith<T>(outcome: Outcome<T>, status = 200): Response {
  if (!outcome.ok) return problemResponse(outcome.status, outcome.reason);
  return Response.json({ ...outcome.value, untold: outcome.unreachedSites }, { status });
}
