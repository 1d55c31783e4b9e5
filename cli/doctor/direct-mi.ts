/** MI requests of the checks without an edge. @module */
import type { MiRequestParams, MiResponse } from '../../adapter/opensips/mi-message.ts';

export type MiRequester = (method: string, params?: MiRequestParams) => Promise<MiResponse>;

/** Returns the result of a request; undefined if it has none. */
export function resultOf(response: MiResponse): unknown {
  return 'result' in response ? response.result : undefined;
}
