/**
 * Serves the console's files on bare workerd, behind the same `env.ASSETS.fetch` as on Cloudflare. This Worker adds content
 * types, the index page and compression, which workerd's own disk service lacks.
 * @module
 */

interface Env {
  /** The disk service. */
  readonly FILES: { fetch(url: string): Promise<Response> };
}

/** Content types of the console's files, by extension. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

export default {
  async fetch(request: Request, { FILES }: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
    const file = type === undefined ? undefined : await FILES.fetch(`http://files${path}`);
    if (type === undefined || !file?.ok) return new Response(null, { status: 404 });
    const headers = new Headers({ 'Content-Type': type, Vary: 'Accept-Encoding' });
    // This header makes workerd compress the body.
    if (acceptsEncoding(request, 'gzip')) headers.set('Content-Encoding', 'gzip');
    return new Response(request.method === 'HEAD' ? null : file.body, { headers });
  },
};

/** Returns whether a request accepts an encoding (RFC 9110 §12.5.3); `;q=0` forbids it. */
function acceptsEncoding(request: Request, encoding: string): boolean {
  const accepted = (request.headers.get('Accept-Encoding') ?? '').split(',').map((entry) => entry.trim());
  return accepted.some((entry) => {
    const [name, weight = 'q=1'] = entry.split(';').map((part) => part.trim());
    return name === encoding && Number(weight.slice(2)) > 0;
  });
}
