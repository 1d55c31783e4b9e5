/**
 * The console's files on bare workerd, behind the same `env.ASSETS.fetch` as on Cloudflare. workerd's own disk service
 * knows no content types, no index and no compression; this small service before it does. It runs in workerd.
 * @module
 */

interface Env {
  /** The disk service. */
  readonly FILES: { fetch(url: string): Promise<Response> };
}

/** All that the console is made of. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

export default {
  async fetch(request: Request, { FILES }: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
    const file = type === undefined ? undefined : await FILES.fetch(`http://files${path}`);
    if (type === undefined || !file?.ok) return new Response(null, { status: 404 });
    const headers = new Headers({ 'Content-Type': type, Vary: 'Accept-Encoding' });
    // workerd compresses the body itself when this header says so.
    if (accepts(request, 'gzip')) headers.set('Content-Encoding', 'gzip');
    return new Response(request.method === 'HEAD' ? null : file.body, { headers });
  },
};

/** RFC 9110 §12.5.3, as far as one encoding goes; `;q=0` forbids it. */
function accepts(request: Request, encoding: string): boolean {
  const accepted = (request.headers.get('Accept-Encoding') ?? '').split(',').map((each) => each.trim());
  return accepted.some((each) => {
    const [name, weight = 'q=1'] = each.split(';').map((part) => part.trim());
    return name === encoding && Number(weight.slice(2)) > 0;
  });
}
