/**
 * Miniflare in a child process, because some of its calls block the event loop. It communicates by the messages of
 * Node's `fork`.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { bundle } from '../../../selfhost/workerd.ts';

const WORKER_NAME = 'call-api';
/** The only object of the open tenant. */
const SITE_OBJECT_NAME = 'demo/demo';

export interface EvictRequest {
  readonly n: number;
  readonly webSockets: 'hibernate' | 'close';
}

/** Sent to the parent: first the port on which it listens, then the result of each eviction. */
export type ProcessMessage = { readonly port: number } | { readonly n: number; readonly refusal?: string };

const folder = await mkdtemp(join(tmpdir(), 'call-api-miniflare-'));
const scriptPath = join(folder, 'worker.js');
await bundle(resolve(import.meta.dirname, 'abortable-worker.js'), scriptPath);
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name: WORKER_NAME,
    modules: true,
    scriptPath,
    modulesRoot: folder,
    compatibilityDate: '2026-10-20',
    bindings: {
      ADAPTER_KEY: process.env['ADAPTER_KEY'] ?? '',
      DIAL_URL: process.env['DIAL_URL'] ?? '',
      ADAPTERS: process.env['ADAPTERS'] ?? '',
    },
    serviceBindings: { LOOPBACK_ADAPTERS: { network: { allow: ['127.0.0.0/8'] } } },
    durableObjects: {
      SWITCHBOARD: { className: 'Switchboard', useSQLite: true },
      DIALER: { className: 'Dialer', useSQLite: true },
    },
    durableObjectsPersist: join(folder, 'objects'),
    host: '127.0.0.1',
    port: 0,
  }),
);

process.on('message', async ({ n, webSockets }: EvictRequest) => {
  try {
    await miniflare.unsafeEvictDurableObject(WORKER_NAME, 'Switchboard', {
      name: SITE_OBJECT_NAME,
      webSockets,
    });
    send({ n });
  } catch (error) {
    send({ n, refusal: String(error) });
  }
});
// The parent process has ended, or wants this one to end.
process.once('disconnect', async () => {
  await miniflare.dispose();
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
});

const { port } = await miniflare.ready;
send({ port: Number(port) });

function send(message: ProcessMessage): void {
  process.send?.(message);
}
