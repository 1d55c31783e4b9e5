/** The public keys with which the edge signs: its JWKS (RFC 7517). @module */
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { JWKS_PATH } from '../../shared/protocol/dial.ts';
import { ExplainedError, explainError } from '../../shared/settings/error-reason.ts';
import { sendHttpRequest } from '../network/http-request.ts';
import { createAgent, type Network } from '../network/network.ts';

/** After a failed attempt to read the keys the next one waits for this time: otherwise anyone could cause attempts without end. */
const RETRY_AFTER_MS = 1_000;

/** Returns the URL of the keys of an edge, beside its adapter endpoint. */
export function edgeKeysUrl(edge: string): URL {
  const url = new URL(edge.replace(/^ws/i, 'http'));
  url.pathname = url.pathname.replace(/\/adapter$/, JWKS_PATH);
  url.search = '';
  return url;
}

/**
 * Returns what finds the key of a token. It reads the keys again when a token names an unknown one, but at most every 30 seconds, and
 * after 10 minutes (the defaults of jose): a key that the edge begins to use is found, and one that it has dropped is not used for long.
 * @param timeoutMs for reading the keys
 */
export function createEdgeKeys(edge: string, network: Network, timeoutMs: number): JWTVerifyGetKey {
  let failure: { readonly at: number; readonly error: ExplainedError } | undefined;
  const read = async (url: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> => {
    if (failure && performance.now() - failure.at < RETRY_AFTER_MS) throw failure.error;
    try {
      const response = await readEdgeKeys(url, network, timeoutMs, signal);
      failure = undefined;
      return response;
    } catch (error) {
      const { reason, remedy = 'Check --edge (EDGE_URL).' } = explainError(error);
      failure = { at: performance.now(), error: new ExplainedError(reason, remedy) };
      throw failure.error;
    }
  };
  return createRemoteJWKSet(edgeKeysUrl(edge), { timeoutDuration: timeoutMs, [customFetch]: read });
}

/** @throws {ExplainedError} and what Node.js throws */
export async function readEdgeKeys(
  url: string,
  network: Network,
  timeoutMs: number,
  signal: AbortSignal = AbortSignal.timeout(timeoutMs),
): Promise<Response> {
  const agent = createAgent(url, network, timeoutMs);
  const response = await sendHttpRequest(url, { agent, signal });
  if (response.status === 200) return response;
  await response.body?.cancel();
  throw new ExplainedError(
    `it answers HTTP ${response.status}`,
    'Check --edge (EDGE_URL), and that the edge can dial adapters: it may be of an older release.',
  );
}
