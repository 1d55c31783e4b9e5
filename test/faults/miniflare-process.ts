/**
 * Miniflare in a process of its own: some of its calls wait without letting anything else happen. Spoken to by the
 * messages of Node's `fork`.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { bundle } from '../../selfhost/workerd.ts';

const NAME = 'call-api';
/** The one object of the open tenant. */
const SITE = 'demo/demo';

/** What it is asked. */
export interface Evict {
  readonly n: number;
  readonly webSockets: 'hibernate' | 'close';
}

/** What it says: where it serves, once; then how each eviction went. */
export type Said = { readonly port: number } | { readonly n: number; readonly refusal?: string };

const data = await mkdtemp(join(tmpdir(), 'call-api-miniflare-'));
const scriptPath = join(data, 'worker.js');
await bundle(resolve(import.meta.dirname, 'abortable.js'), scriptPath);
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: NAME,
    modules: true,
    scriptPath,
    modulesRoot: data,
    compatibilityDate: '2026-10-20',
    bindings: { ADAPTER_KEY: process.env['ADAPTER_KEY'] ?? '' },
    durableObjects: { SWITCHBOARD: { className: 'Switchboard', useSQLite: true } },
    durableObjectsPersist: join(data, 'objects'),
    host: '127.0.0.1',
    port: 0,
  }),
);

process.on('message', async ({ n, webSockets }: Evict) => {
  try {
    await miniflare.unsafeEvictDurableObject(NAME, 'Switchboard', { name: SITE, webSockets });
    say({ n });
  } catch (error) {
    say({ n, refusal: String(error) });
  }
});
// Whoever started it has gone, or wants it to go.
process.once('disconnect', async () => {
  await miniflare.dispose();
  await rm(data, { recursive: true, force: true });
  process.exit(0);
});

const { port } = await miniflare.ready;
say({ port: Number(port) });

function say(what: Said): void {
  process.send?.(what);
}
