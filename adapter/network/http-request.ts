/** An HTTP request through the same agent as a WebSocket. `fetch` takes no agent, and Node 20 knows no proxy. @module */
import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { ExplainedError } from '../../shared/settings/error-reason.ts';

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent | undefined;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Returns the response. A redirect is an error: following it would send the credential to another server. */
export async function sendHttpRequest(
  url: string,
  { method = 'GET', headers = {}, body, agent, signal }: HttpRequest,
): Promise<HttpResponse> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const outgoing = request(url, { method, headers, signal, ...(agent ? { agent } : {}) });
  const response = await new Promise<HttpResponse>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const { statusCode: status = 0, headers: received } = incoming;
      if (status >= 300 && status < 400 && received.location !== undefined) {
        incoming.destroy();
        reject(new ExplainedError('it redirects to another address', 'Use that address.'));
      } else text(incoming).then((content) => resolve({ status, headers: received, body: content }), reject);
    });
    outgoing.end(body);
  });
  return response;
}

/** Returns the JSON value of a body; undefined if it is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
