/** Which HTTP proxy leads to an edge: `HTTPS_PROXY` and `NO_PROXY`, in lower case too. Pure. @module */
import { quote } from '../../shared/settings/quote.ts';
import { isExempt } from './no-proxy.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** An HTTP proxy that opens tunnels with CONNECT (RFC 9110 §9.3.6). */
export interface HttpProxy {
  /** Whether the connection to the proxy itself uses TLS. */
  readonly isSecure: boolean;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
  /** For messages: the host and the port, never the credentials. */
  readonly shown: string;
}

/** The proxy, why there is none, or what is wrong with the variable. */
export type ProxyReading =
  | { readonly proxy: HttpProxy }
  | { readonly proxy: undefined; readonly why: string }
  | { readonly error: string };

const REMEDY = 'Write it like http://proxy.example.com:3128.';

/** Returns the proxy for a URL. One without TLS is reached directly: it is for this machine, or a trusted network. */
export function proxyFor(url: URL, env: Environment): ProxyReading {
  if (!/^(wss|https):$/.test(url.protocol))
    return { proxy: undefined, why: `A ${url.protocol}// URL needs none` };
  // In lower case first, as curl and undici do. An empty variable counts as unset.
  const name = env['https_proxy'] ? 'https_proxy' : 'HTTPS_PROXY';
  const text = env[name];
  if (!text) return { proxy: undefined, why: 'HTTPS_PROXY is not set' };
  const noProxy = env['no_proxy'] || env['NO_PROXY'] || '';
  if (isExempt(noProxy, url.hostname, Number(url.port) || 443))
    return { proxy: undefined, why: `NO_PROXY exempts ${url.hostname}` };
  return parseProxy(name, text);
}

function parseProxy(name: string, text: string): ProxyReading {
  const withScheme = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    const shown = quote(text.replace(/^([^/]*\/\/)?[^@]*@/, '$1[hidden]@'));
    return { error: `${name}: ${shown} is not the URL of an HTTP proxy. ${REMEDY}` };
  }
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const authorization = basicAuthorization(url);
  if (authorization === INVALID)
    return {
      error: `${name}: the user or password has a % that does not begin an encoded character. Write it as %25.`,
    };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { proxy: { isSecure, host, port, authorization, shown: `${url.hostname}:${port}` } };
}

const INVALID = Symbol('invalid');

/** Returns the credentials of a URL (RFC 7617 §2), which are percent-encoded there. */
function basicAuthorization({ username, password }: URL): string | undefined | typeof INVALID {
  if (username === '' && password === '') return undefined;
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    return INVALID;
  }
}
