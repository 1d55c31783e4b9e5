/** V8's heap of workerd, over its inspector (the Chrome DevTools protocol). @module */
import { WebSocket } from 'ws';

interface Target {
  readonly title?: string;
  readonly webSocketDebuggerUrl: string;
}

interface HeapUsage {
  /** Bytes. */
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

const TIMEOUT_MS = 30_000;
const MB = 2 ** 20;

/** Returns the heap of the Worker `edge` after a garbage collection, with the buffers that it owns, in MB of 2^20 bytes. */
export async function heapMb(inspectorPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const targets = (await response.json()) as readonly Target[];
  const target =
    targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith('/edge')) ?? targets[0];
  if (!target) throw new Error('workerd has no target for its inspector');
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const timer = setTimeout(() => socket.terminate(), TIMEOUT_MS);
  try {
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await command(socket, 1, 'HeapProfiler.enable');
    await command(socket, 2, 'HeapProfiler.collectGarbage');
    const usage = (await command(socket, 3, 'Runtime.getHeapUsage')) as HeapUsage;
    return (usage.usedSize + (usage.backingStorageSize ?? 0)) / MB;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}

function command(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: unknown };
      if (message.id !== id) return;
      socket.off('message', onMessage);
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(`${method}: ${JSON.stringify(message.error)}`));
    };
    socket.on('message', onMessage);
    socket.once('close', () => reject(new Error(`${method}: the inspector has closed the connection`)));
    socket.send(JSON.stringify({ id, method }));
  });
}
