/** The origin of the Worker itself, from which browsers load the console. @module */

/**
 * Returns the Worker's own origin, as a browser sees it: behind a proxy that terminates TLS, with the scheme that the proxy names
 * in `X-Forwarded-Proto`. No web page can send this header: a WebSocket has none, and it needs a preflight, which does not allow
 * it. A proxy can only raise `http` to `https`.
 */
export function ownOrigin({ url, headers }: Pick<Request, 'url' | 'headers'>): string {
  const { protocol, host, origin } = new URL(url);
  // A chain of proxies lists the scheme of the client first.
  const [scheme = ''] = (headers.get('X-Forwarded-Proto') ?? '').split(',');
  const isBehindTls = protocol === 'http:' && scheme.trim().toLowerCase() === 'https';
  return isBehindTls ? new URL(`https://${host}`).origin : origin;
}
