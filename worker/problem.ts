/** @module */

/** Answers an HTTP request that fails: what happened and what to do. */
export function problem(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return Response.json({ status, detail }, { status, headers });
}
