/** What every route of `/v1/admin` does alike: reads what was sent, knows who acts, and answers. @module */
import type * as z from 'zod';
import { issues } from '../shared/jsonrpc.ts';
import { problem } from './problem.ts';
import type { By } from './tenant/audit.ts';
import type { Outcome } from './tenant/outcome.ts';

/** Who acts. The platform says from where; behind nothing that does, the header may be anyone's word. */
export function by(request: Request): By {
  const from = request.headers.get('CF-Connecting-IP') ?? '';
  return { actor: 'admin', from: /^[0-9A-Fa-f.:]{2,45}$/.test(from) ? from : 'unknown' };
}

/** The body by its schema, or the answer that says what is wrong with it. */
export async function read<T>(schema: z.ZodType<T>, request: Request): Promise<T | Response> {
  const text = await request.text();
  try {
    return check(schema, text === '' ? {} : JSON.parse(text));
  } catch {
    return problem(400, 'the body is not JSON; send an object, such as {"id":"acme"}');
  }
}

export function check<T>(schema: z.ZodType<T>, value: unknown): T | Response {
  const checked = schema.safeParse(value);
  return checked.success ? checked.data : problem(400, issues(checked.error));
}

export function answer<T>(outcome: Outcome<T>, status = 200): Response {
  if (!outcome.ok) return problem(outcome.status, outcome.reason);
  return Response.json({ ...outcome.value, untold: outcome.untold }, { status });
}
