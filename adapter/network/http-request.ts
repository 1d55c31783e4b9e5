/** An HTTP request through the same agent as a WebSocket. `fetch` takes no agent, and Node 20 knows no proxy. @module */
import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { ExplainedError } from '../../shared/settings/error-reason.ts';

/** A `Response` with one of these statuses takes no body (Fetch Standard, "null body status"). */
const WITHOUT_BODY: readonly number[] = [204, 205, 304];

/** RFC 9110 §15: the status codes are below 600. */
const MAX_STATUS = 599;

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent | undefined;
  readonly signal: AbortSignal;
}

/** Returns the response, as `fetch` does. A redirect is an error: following it would send the credential to another server. */
export async function sendHttpRequest(
  url: string,
  { method = 'GET', headers = {}, body, agent, signal }: HttpRequest,
): Promise<Response> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const outgoing = request(url, { method, headers, signal, ...(agent ? { agent } : {}) });
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const { statusCode: status = 0, headersDistinct, headers: received } = incoming;
      if (status >= 300 && status < 400 && received.location !== undefined) {
        incoming.destroy();
        reject(new ExplainedError('it redirects to another address', 'Use that address.'));
        return;
      }
      if (status < 200 || status > MAX_STATUS) {
        incoming.destroy();
        reject(new ExplainedError(`it answers with the unknown status ${status}`, 'Check the URL.'));
        return;
      }
      const init = { status, headers: headersOf(headersDistinct) };
      if (WITHOUT_BODY.includes(status)) resolve(new Response(null, init));
      else resolve(new Response(Readable.toWeb(incoming) as ReadableStream, init));
    });
    outgoing.end(body);
  });
}

function headersOf(distinct: NodeJS.Dict<string[]>): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(distinct))
    for (const value of values) headers.append(name, value);
  return headers;
}
