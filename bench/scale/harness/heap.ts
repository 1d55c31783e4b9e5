/** Measures V8's heap of workerd through its inspector (Chrome DevTools Protocol). @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** The Worker in the configuration of `npm start`. */
const SERVICE = 'edge';

/** Collects all garbage, and returns what is alive then, in MB of 2^20 bytes. */
export async function liveHeapMb(inspectorPort: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/${SERVICE}`, { perMessageDeflate: false });
  await once(socket, 'open');
  try {
    let lastId = 0;
    const request = (method: string) =>
      new Promise<{ readonly usedSize?: number }>((resolve, reject) => {
        const id = ++lastId;
        socket.on('message', (bytes) => {
          const response = JSON.parse(bytes.toString()) as {
            readonly id?: number;
            readonly result?: object;
            readonly error?: { readonly message: string };
          };
          if (response.id !== id) return;
          if (response.result) resolve(response.result);
          else reject(new Error(`${method}: ${response.error?.message ?? 'no result'}`));
        });
        socket.once('close', () => reject(new Error(`${method}: workerd closed its inspector`)));
        socket.send(JSON.stringify({ id, method }));
      });
    // What a first collection frees can make more of it unreachable.
    await request('HeapProfiler.collectGarbage');
    await request('HeapProfiler.collectGarbage');
    const { usedSize = Number.NaN } = await request('Runtime.getHeapUsage');
    return usedSize / 2 ** 20;
  } finally {
    socket.terminate();
  }
}
