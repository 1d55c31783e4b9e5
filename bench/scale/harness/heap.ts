/** Measures V8's heap of workerd through its inspector (Chrome DevTools Protocol). @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** The Worker in the configuration of `npm start`. */
const SERVICE = 'edge';

/** Collects all garbage, and returns what is alive then, in MB of 2^20 bytes. */
export async function liveHeapMb(port: number, inspectorPort: number): Promise<number> {
  // What a first collection frees can make more of it unreachable. The inspector's own request for it is never answered by workerd.
  for (let round = 0; round < 2; round++) await fetch(`http://127.0.0.1:${port}/collect-garbage`);
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/${SERVICE}`, { perMessageDeflate: false });
  await once(socket, 'open');
  try {
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' }));
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    const { result } = JSON.parse(bytes.toString()) as { readonly result?: { readonly usedSize: number } };
    if (!result) throw new Error(`Runtime.getHeapUsage: ${bytes.toString()}`);
    return result.usedSize / 2 ** 20;
  } finally {
    socket.terminate();
  }
}
