/**
 * Opens a tunnel through an HTTP proxy with CONNECT (RFC 9110 §9.3.6). Node's own HTTP client does the protocol: https-proxy-agent would
 * leave a socket open for each attempt at a proxy that does not answer, and pass a refusal of the proxy on as one of the edge.
 * @module
 */
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { ExplainedError, explainError } from '../../shared/settings/error-reason.ts';
import { type Address, formatAddress } from '../../shared/settings/value-types.ts';
import type { HttpProxy } from './proxy.ts';

const CHECK_PROXY = 'Check HTTPS_PROXY, or add the host to NO_PROXY if it can be reached without a proxy.';

export interface TunnelOptions {
  /** For a proxy with TLS. */
  readonly secureContext: SecureContext | undefined;
  /** For the whole exchange with the proxy. */
  readonly timeoutMs: number;
}

/** Returns a socket that leads to the target. Rejects with an {@link ExplainedError} that names the proxy. */
export function openTunnel(
  proxy: HttpProxy,
  target: Address,
  { secureContext, timeoutMs }: TunnelOptions,
): Promise<Socket> {
  const address = formatAddress(target);
  const signal = AbortSignal.timeout(timeoutMs);
  const options = {
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: address,
    headers: {
      Host: address,
      ...(proxy.authorization === undefined ? {} : { 'Proxy-Authorization': proxy.authorization }),
    },
    agent: false,
    signal,
  } as const;
  const request: ClientRequest = proxy.isSecure
    ? requestHttps({ ...options, ...(secureContext ? { secureContext } : {}) })
    : requestHttp(options);
  return new Promise((resolve, reject) => {
    request.on('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusal(proxy, address, statusCode));
    });
    request.on('error', (error) => {
      const { reason, remedy = CHECK_PROXY } = explainError(error);
      // Other remedies are about the URL of the edge.
      const advice = proxy.isSecure && remedy.includes('--ca') ? remedy : CHECK_PROXY;
      reject(new ExplainedError(`the proxy ${proxy.shown} does not work: ${reason}`, advice));
    });
    request.end();
  });
}

function refusal({ shown, authorization }: HttpProxy, target: string, status: number): ExplainedError {
  if (status === 407)
    return authorization === undefined
      ? new ExplainedError(
          `the proxy ${shown} requires a user and a password (HTTP 407)`,
          'Write them into HTTPS_PROXY: http://user:password@host:port.',
        )
      : new ExplainedError(
          `the proxy ${shown} rejected the user or password in HTTPS_PROXY (HTTP 407)`,
          'Correct them, and percent-encode special characters. Only Basic authentication is supported.',
        );
  return status >= 500
    ? new ExplainedError(`the proxy ${shown} cannot connect to ${target} (HTTP ${status})`, CHECK_PROXY)
    : new ExplainedError(
        `the proxy ${shown} does not allow connections to ${target} (HTTP ${status})`,
        'Let its administrator allow them, or add the host to NO_PROXY if it can be reached without a proxy.',
      );
}
