/** Problem details (RFC 9457): how errors are reported over HTTP. @module */
import * as z from 'zod';
import { errorCode } from '../rpc/jsonrpc.ts';

/** The status and the `type` of each JSON-RPC error code. Types are stable, and documented at `/docs/errors#<type>`. */
export const PROBLEM_TYPES: Readonly<Record<number, { readonly status: number; readonly type: string }>> = {
  [errorCode.parseError]: { status: 400, type: 'parse-error' },
  [errorCode.invalidRequest]: { status: 400, type: 'invalid-request' },
  [errorCode.methodNotFound]: { status: 404, type: 'method-not-found' },
  [errorCode.invalidParams]: { status: 400, type: 'invalid-params' },
  [errorCode.internalError]: { status: 500, type: 'internal-error' },
  [errorCode.noAdapter]: { status: 503, type: 'no-adapter' },
  [errorCode.notAllowed]: { status: 403, type: 'not-allowed' },
  [errorCode.tooMany]: { status: 429, type: 'too-many' },
  [errorCode.conflict]: { status: 409, type: 'conflict' },
  [errorCode.gone]: { status: 404, type: 'gone' },
};

/** The part of `type` in a {@link Problem} that precedes one of {@link PROBLEM_TYPES}. */
export const PROBLEM_TYPE_PREFIX = '/docs/errors#';

/** The body of every error response. */
export const Problem = z.object({
  type: z.string().optional().meta({
    description:
      'a URI that identifies the kind of error, such as `/docs/errors#too-many`; absent if `status` says it all',
  }),
  title: z.string().optional(),
  status: z.number().int(),
  detail: z.string().meta({ description: 'what happened and what to do' }),
  code: z
    .number()
    .int()
    .optional()
    .meta({ description: 'the JSON-RPC error code; absent if the request was rejected before it was run' }),
  limit: z.string().optional().meta({ description: 'with code -32003: the limit that is exceeded' }),
  retry_after: z.number().int().optional().meta({
    description: 'with code -32003: seconds to wait before the next attempt, as in the header `Retry-After`',
  }),
});
export type Problem = z.infer<typeof Problem>;
